"""Carries a write out for a caller: nothing is answered before it stands in the audit log."""

from __future__ import annotations

import time

from eagleray.contracts.principals import Principal
from indexes.writing.requests import Write
from serve.http.request_ids import read_request_id
from serve.http.serving import DocumentWriter, Wrote


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
