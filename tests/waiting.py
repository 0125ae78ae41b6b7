"""Waiting in tests for what is going to be so, and failing where it never is.

None of these is a pause: each returns as soon as its condition holds, and a test that reaches `PATIENCE_S`
fails. Where there is an event to wait for, wait for that.
"""

from __future__ import annotations

import asyncio
import time

STEP_S = 0.002
PATIENCE_S = 30.0


async def wait_until(is_so):
    """Let the loop go on until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(STEP_S)


async def ask_until(ask, is_so):
    """Ask again and again, and return the first answer of which a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so(answer := await ask()):
            await asyncio.sleep(STEP_S)
    return answer


def run_by(clock, work):
    """Run a coroutine in a loop that has a clock's time, and return what it returns.

    A time limit is reached where the test moves the clock, and never otherwise.
    """

    def make_loop():
        loop = asyncio.new_event_loop()
        loop.time = clock
        return loop

    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(work)


def block_until(is_so):
    """Let other threads and processes go on until a condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it was never so"
        time.sleep(STEP_S)
