"""Waiting in tests for what is going to be so, and failing where it never is."""

from __future__ import annotations

import asyncio
import time

STEP_S = 0.002


async def wait_until(is_so, *, timeout_s=30.0):
    """Let the loop go on until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not is_so():
            await asyncio.sleep(STEP_S)


def block_until(is_so, *, timeout_s=30.0):
    """Let other threads and processes go on until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it was never so"
        time.sleep(STEP_S)
