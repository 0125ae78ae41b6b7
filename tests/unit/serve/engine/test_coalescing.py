"""Calls that are shared by those who ask within a moment."""

from __future__ import annotations

import asyncio

import pytest

from eagleray.testing import ManualClock
from serve.engine.coalescing import CoalescedCalls


class Counted:
    def __init__(self, *outcomes):
        self.n, self.outcomes, self.gate = 0, outcomes, asyncio.Event()

    async def __call__(self):
        self.n += 1
        await self.gate.wait()
        outcome = self.outcomes[self.n - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def ask_many(calls, made, n=50):
    asked = [asyncio.create_task(calls.ask("ready", made)) for _ in range(n)]
    await asyncio.sleep(0)
    made.gate.set()
    return await asyncio.gather(*asked, return_exceptions=True)


def test_many_who_ask_at_once_cause_one_call_and_those_after_a_moment_another():
    async def run():
        clock, made = ManualClock(), Counted("first", "second")
        calls = CoalescedCalls(kept_s=0.25, clock=clock)
        assert await ask_many(calls, made) == ["first"] * 50
        clock.now_s = 0.24
        assert await calls.ask("ready", made) == "first"
        clock.now_s = 0.26
        assert await ask_many(calls, made) == ["second"] * 50
        assert made.n == 2

    asyncio.run(run())


def test_an_error_reaches_all_who_wait_and_is_forgotten_like_an_answer():
    async def run():
        clock, made = ManualClock(), Counted(OSError("gone"), "well")
        calls = CoalescedCalls(kept_s=0.25, clock=clock)
        assert [type(told) for told in await ask_many(calls, made, n=3)] == [OSError] * 3
        with pytest.raises(OSError, match="gone"):
            await calls.ask("ready", made)
        clock.now_s = 1.0
        assert await calls.ask("ready", made) == "well"

    asyncio.run(run())


def test_a_caller_who_leaves_does_not_end_the_call_of_the_others():
    async def run():
        made = Counted("told")
        calls = CoalescedCalls()
        leaving = asyncio.create_task(calls.ask("ready", made))
        staying = asyncio.create_task(calls.ask("ready", made))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        made.gate.set()
        assert await staying == "told"
        assert leaving.cancelled()

    asyncio.run(run())


def test_names_are_kept_apart():
    async def run():
        one, two = Counted("one"), Counted("two")
        calls = CoalescedCalls()
        one.gate.set()
        two.gate.set()
        assert (await calls.ask("a", one), await calls.ask("b", two)) == ("one", "two")

    asyncio.run(run())
