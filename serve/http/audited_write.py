"""Writes of callers: recorded before they are answered, and found by searches if need be."""

from __future__ import annotations

import time

from eagleray.contracts.principals import Principal
from indexes.writing.requests import Write
from serve.audit.kinds.writes import DocumentWrite
from serve.audit.request_entries import EndedRequest
from serve.engine.threads import Work, run_in_thread
from serve.http.request_ids import read_request_id
from serve.http.serving import DocumentWriter, ServedCollection


async def write_audited(
    collection: ServedCollection, writer: DocumentWriter, principal: Principal, write: Write
) -> str:
    """Carry a write out, and return the id of the snapshot that holds it once that is recorded.

    What ends without a snapshot is recorded, too.

    Raises:
        EagleRayError: it could not be carried out, or not be recorded.
    """
    started = time.perf_counter_ns()

    async def record(outcome: str | Exception) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        ended = EndedRequest(
            request=DocumentWrite(principal=principal, write=write),
            outcome=outcome,
            latency_us=latency_us,
            request_id=read_request_id(),
        )
        await run_in_thread(Work.AUDIT, collection.recorder.record, [ended])

    try:
        snapshot = await writer.write(write)
    except Exception as error:
        await record(error)
        raise
    await record(snapshot)
    return snapshot


async def wait_until_found(collection: ServedCollection, snapshot: str, *, wait_s: float) -> bool:
    """Return whether every search that begins from now on is answered from a write, once it is.

    True means that all who answer searches here have taken up the write's snapshot, or one that the alias had
    after it; false, that opening it took longer than `wait_s`, or failed. Nothing but true may be told as
    completed; asking again with the same snapshot goes on waiting, for as long as opening takes.

    Args:
        collection: that was written to.
        snapshot: whole id of the first one that holds the write, as `write_audited` returned it.
        wait_s: seconds to wait, at most; 0 only tells.
    """
    return await collection.watcher.settle(snapshot, timeout_s=wait_s)
