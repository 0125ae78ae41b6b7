"""What a follower says of a move that it found, and what it was told by others."""

from __future__ import annotations

import asyncio

from serve.engine.following import Follower
from serve.engine.shelf import Shelf
from tests.unit.serve.engine.conftest import wait_until


def run(body, opener, interval_s):
    async def whole():
        alias, found = ["a"], []
        follower = Follower(
            Shelf(opener), lambda: alias[0], probe=lambda engine: engine.search(None), interval_s=interval_s
        )
        follower.watch(lambda: found.append(alias[0]))
        await follower.start()
        try:
            await body(follower, alias, found)
        finally:
            await follower.close()

    asyncio.run(whole())


def test_a_move_is_told_once_where_it_was_found_by_looking_or_made_here(opener):
    async def body(follower, alias, found):
        await asyncio.sleep(0.05)
        assert found == []
        alias[0] = "b"
        await wait_until(lambda: follower.state.snapshot == "b")
        alias[0] = "c"
        follower.notify()
        await wait_until(lambda: follower.state.snapshot == "c")
        await asyncio.sleep(0.05)
        assert found == ["b", "c"]
        assert "c" in follower.opened

    run(body, opener, 0.01)


def test_a_move_that_others_told_of_is_taken_and_not_told_again(opener):
    async def body(follower, alias, found):
        alias[0] = "b"
        follower.notify(is_told=True)
        await wait_until(lambda: follower.state.snapshot == "b")
        assert found == []
        alias[0] = "c"
        follower.notify()
        await wait_until(lambda: follower.state.snapshot == "c")
        assert found == ["c"]

    run(body, opener, 3600.0)


def test_it_settles_once_it_has_a_snapshot_or_what_the_alias_had_after_it(opener):
    async def body(follower, alias, _):
        alias[0] = "b"
        assert await follower.settle("b", timeout_s=10.0)
        assert follower.state.snapshot == "b"
        alias[0] = "d"
        assert await follower.settle("c", timeout_s=10.0)
        assert follower.state.snapshot == "d"
        opener.failing["e"] = OSError("gone")
        alias[0] = "e"
        assert not await follower.settle("e", timeout_s=0.05)
        assert follower.state.snapshot == "d"

    run(body, opener, 3600.0)


def test_a_move_while_the_first_snapshot_was_opened_is_taken_before_it_answers(opener):
    async def whole():
        places = iter("ab")
        follower = Follower(Shelf(opener), lambda: next(places), probe=lambda _: None, interval_s=3600.0)
        await follower.start()
        assert follower.state.snapshot == "b"
        await follower.close()

    asyncio.run(whole())
