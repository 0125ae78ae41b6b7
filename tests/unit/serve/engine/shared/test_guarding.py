from __future__ import annotations

import asyncio

import pytest

from serve.engine.shared.breaker import Breaker, BreakerState
from serve.engine.shared.guarding import Guard


def make_guard(pause_s=60.0, timeout_s=0.05):
    return Guard(Breaker(pause_s=pause_s), timeout_s=timeout_s)


async def answer():
    return "answer"


async def hang():
    await asyncio.Event().wait()


async def fail():
    raise ValueError("garbage")


@pytest.mark.parametrize("bad", [hang, fail])
def test_one_goes_on_without_what_hangs_or_fails_and_does_not_ask_again(bad):
    async def body():
        guard = make_guard()
        assert await guard.call(answer, otherwise=None) == "answer"
        started = asyncio.get_running_loop().time()
        assert await guard.call(bad, otherwise="own") == "own"
        for _ in range(100):
            assert await guard.call(answer, otherwise="own") == "own"
        assert asyncio.get_running_loop().time() - started < 1.0
        assert (guard.n_answered, guard.n_failed, guard.n_left_out) == (1, 1, 100)
        assert guard.state is BreakerState.OPEN

    asyncio.run(body())


def test_after_the_pause_it_is_asked_again():
    async def body():
        guard = make_guard(pause_s=0.0)
        assert await guard.call(fail, otherwise=None) is None
        assert await guard.call(answer, otherwise=None) == "answer"
        assert guard.state is BreakerState.CLOSED

    asyncio.run(body())


def test_a_caller_who_goes_away_is_no_failure_and_keeps_nobody_from_trying():
    async def body():
        guard = make_guard(pause_s=0.0, timeout_s=5.0)
        await guard.call(fail, otherwise=None)
        asking = asyncio.create_task(guard.call(hang, otherwise=None))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert guard.n_failed == 1
        assert await guard.call(answer, otherwise=None) == "answer"

    asyncio.run(body())
