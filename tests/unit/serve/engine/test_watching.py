"""What a watcher says of a move that it found, and what it was told by others."""

from __future__ import annotations

import asyncio

from serve.engine.alias_watcher import AliasWatcher
from serve.engine.snapshot_pool import SnapshotPool
from tests.waiting import wait_until


def run(body, opener, interval_s):
    async def whole():
        alias, found = ["a"], []
        watcher = AliasWatcher(
            SnapshotPool(opener),
            lambda: alias[0],
            probe=lambda engine: engine.search(None),
            interval_s=interval_s,
        )
        watcher.watch(lambda: found.append(alias[0]))
        await watcher.start()
        try:
            await body(watcher, alias, found)
        finally:
            await watcher.close()

    asyncio.run(whole())


def test_a_move_is_told_once_where_it_was_found_by_looking_or_made_here(opener):
    async def body(watcher, alias, found):
        await asyncio.sleep(0.05)
        assert found == []
        alias[0] = "b"
        await wait_until(lambda: watcher.state.snapshot == "b")
        alias[0] = "c"
        watcher.notify()
        await wait_until(lambda: watcher.state.snapshot == "c")
        await asyncio.sleep(0.05)
        assert found == ["b", "c"]
        assert "c" in watcher.opened

    run(body, opener, 0.01)


def test_a_move_that_others_told_of_is_taken_and_not_told_again(opener):
    async def body(watcher, alias, found):
        alias[0] = "b"
        watcher.notify(is_told=True)
        await wait_until(lambda: watcher.state.snapshot == "b")
        assert found == []
        alias[0] = "c"
        watcher.notify()
        await wait_until(lambda: watcher.state.snapshot == "c")
        assert found == ["c"]

    run(body, opener, 3600.0)


def test_it_settles_once_it_has_a_snapshot_or_what_the_alias_had_after_it(opener):
    async def body(watcher, alias, _):
        alias[0] = "b"
        assert await watcher.settle("b", timeout_s=10.0)
        assert watcher.state.snapshot == "b"
        alias[0] = "d"
        assert await watcher.settle("c", timeout_s=10.0)
        assert watcher.state.snapshot == "d"
        opener.failing["e"] = OSError("gone")
        alias[0] = "e"
        assert not await watcher.settle("e", timeout_s=0.05)
        assert watcher.state.snapshot == "d"

    run(body, opener, 3600.0)


def test_a_move_while_the_first_snapshot_was_opened_is_taken_before_it_answers(opener):
    async def whole():
        places = iter("ab")
        watcher = AliasWatcher(
            SnapshotPool(opener), lambda: next(places), probe=lambda _: None, interval_s=3600.0
        )
        await watcher.start()
        assert watcher.state.snapshot == "b"
        await watcher.close()

    asyncio.run(whole())
