from __future__ import annotations

import asyncio

import pytest

from serve.engine.uncancellable import UncancellableWork


def test_what_was_begun_ends_also_where_nobody_waits_and_closing_waits_for_it():
    async def body():
        uncancellable, is_free, ended = UncancellableWork(), asyncio.Event(), []

        async def work(name):
            await is_free.wait()
            ended.append(name)
            return name

        waiting, left = (asyncio.create_task(uncancellable.run(work(name))) for name in ("waiting", "left"))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left

        async def close():
            await uncancellable.close()
            ended.append("closed")

        closing = asyncio.create_task(close())
        await asyncio.sleep(0)
        is_free.set()
        assert await waiting == "waiting"
        await closing
        assert sorted(ended[:2]) == ["left", "waiting"]
        assert ended[2:] == ["closed"]

    asyncio.run(body())


def test_a_failure_is_raised_to_who_waits_and_harms_nobody_else():
    async def body():
        uncancellable = UncancellableWork()

        async def fail():
            await asyncio.sleep(0)
            raise OSError("full")

        with pytest.raises(OSError, match="full"):
            await uncancellable.run(fail())
        left = asyncio.create_task(uncancellable.run(fail()))
        await asyncio.sleep(0)
        left.cancel()
        await uncancellable.close()

    asyncio.run(body())
