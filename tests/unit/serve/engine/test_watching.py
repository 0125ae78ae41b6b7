"""What a watcher says of a move that it found, and what it was told by others."""

from __future__ import annotations

import asyncio

from serve.engine.alias_watcher import AliasWatcher
from serve.engine.snapshot_pool import SnapshotPool
from tests.waiting import wait_until


class Alias:
    """Points to a snapshot, and counts who looks."""

    def __init__(self):
        self.snapshot, self.n_looks = "a", 0

    def read(self):
        self.n_looks += 1
        return self.snapshot

    async def be_looked_at(self):
        """Wait until whatever is found has been told: the third look begins after the second one ended."""
        enough = self.n_looks + 3
        await wait_until(lambda: self.n_looks >= enough)


def run(body, opener, interval_s):
    async def whole():
        alias, found = Alias(), []
        watcher = AliasWatcher(
            SnapshotPool(opener),
            alias.read,
            probe=lambda engine: engine.search(None),
            interval_s=interval_s,
        )
        watcher.watch(lambda: found.append(alias.snapshot))
        await watcher.start()
        try:
            await body(watcher, alias, found)
        finally:
            await watcher.close()

    asyncio.run(whole())


def test_a_move_is_told_once_where_it_was_found_by_looking_or_made_here(opener):
    async def body(watcher, alias, found):
        await alias.be_looked_at()
        assert found == []
        alias.snapshot = "b"
        await wait_until(lambda: watcher.state.snapshot == "b")
        alias.snapshot = "c"
        watcher.notify()
        await wait_until(lambda: watcher.state.snapshot == "c")
        await alias.be_looked_at()
        assert found == ["b", "c"]
        assert "c" in watcher.opened

    run(body, opener, 0.01)


def test_a_move_that_others_told_of_is_taken_and_not_told_again(opener):
    async def body(watcher, alias, found):
        alias.snapshot = "b"
        watcher.notify(is_told=True)
        await wait_until(lambda: watcher.state.snapshot == "b")
        assert found == []
        alias.snapshot = "c"
        watcher.notify()
        await wait_until(lambda: watcher.state.snapshot == "c")
        assert found == ["c"]

    run(body, opener, 3600.0)


def test_it_settles_once_it_has_a_snapshot_or_what_the_alias_had_after_it(opener):
    async def body(watcher, alias, _):
        alias.snapshot = "b"
        assert await watcher.settle("b", timeout_s=10.0)
        assert watcher.state.snapshot == "b"
        alias.snapshot = "d"
        assert await watcher.settle("c", timeout_s=10.0)
        assert watcher.state.snapshot == "d"
        opener.failing["e"] = OSError("gone")
        alias.snapshot = "e"
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
