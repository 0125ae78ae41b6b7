from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.errors import OverloadedError
from serve.engine.exclusive_worker import ExclusiveWorker
from tests.waiting import wait_until


def test_a_second_piece_is_refused_while_one_is_worked_on_and_taken_after_it():
    async def run():
        alone, has_begun, may_end = ExclusiveWorker(), threading.Event(), threading.Event()

        def work():
            has_begun.set()
            return may_end.wait(20) and threading.current_thread().name

        first = asyncio.create_task(alone.run(work))
        await wait_until(has_begun.is_set)
        with pytest.raises(OverloadedError):
            await alone.run(lambda: "second")
        may_end.set()
        assert (await first).startswith("eagleray-long")
        assert await alone.run(lambda: "third") == "third"
        await alone.close()

    asyncio.run(run())


def test_work_that_nobody_waits_for_any_more_goes_on_and_keeps_its_place():
    async def run():
        alone, has_begun, may_end, ended = ExclusiveWorker(), threading.Event(), threading.Event(), []

        def work():
            has_begun.set()
            ended.append(may_end.wait(20))

        first = asyncio.create_task(alone.run(work))
        await wait_until(has_begun.is_set)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(OverloadedError):
            await alone.run(lambda: "second")
        may_end.set()
        await alone.close()
        assert ended == [True]

    asyncio.run(run())


def test_an_error_is_told_and_the_place_is_free_again():
    async def run():
        alone = ExclusiveWorker()
        with pytest.raises(ZeroDivisionError):
            await alone.run(lambda: 1 / 0)
        assert await alone.run(lambda: "next") == "next"
        await alone.close()

    asyncio.run(run())
