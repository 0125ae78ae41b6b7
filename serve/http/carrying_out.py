"""Carries a write out for a caller: nothing is answered before it stands in the audit log."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

from eagleray.contracts.principals import Principal
from indexes.writing.requests import Write
from serve.engine.ports import Followed
from serve.http.request_ids import read_request_id
from serve.http.serving import DocumentWriter, Wrote

_WAIT_S: Final = 5.0
_LOOK_S: Final = 0.02


async def carry_out(writer: DocumentWriter, principal: Principal, write: Write) -> str:
    """Return the id of the snapshot that holds a write, once it is recorded; so is what ends without one.

    Raises:
        EagleRayError: it could not be carried out, or not be recorded.
    """
    started = time.perf_counter_ns()

    async def record(outcome: str | Exception) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        request_id = read_request_id()
        wrote = Wrote(
            principal=principal,
            write=write,
            outcome=outcome,
            latency_us=latency_us,
            request_id=request_id,
        )
        await writer.record(wrote)

    try:
        snapshot = await writer.write(write)
    except Exception as error:
        await record(error)
        raise
    await record(snapshot)
    return snapshot


async def wait_until_served(follower: Followed, snapshot: str) -> None:
    """Return once this process answers from a snapshot, or from a later one; after some seconds in any case.

    Args:
        follower: of the alias that has moved there.
        snapshot: whole id.
    """
    moved_at = time.time()
    await follower.take(snapshot, timeout_s=_LOOK_S)  # looks at the alias now
    with suppress(TimeoutError):
        async with asyncio.timeout(_WAIT_S):
            while follower.state.snapshot != snapshot and follower.state.read_at < moved_at:
                await asyncio.sleep(_LOOK_S)
