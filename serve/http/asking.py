"""Asks a collection for a caller: nothing is answered before it stands in the audit log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from eagleray.contracts.hits import SearchRequest, SearchResponse
from serve.http.metrics import Metrics
from serve.http.problems import find_status
from serve.http.request_ids import read_request_id
from serve.http.serving import Ended, ServedCollection, Serving
from serve.tracing.spans import span


async def answer_search(
    serving: Serving,
    collection: ServedCollection,
    request: SearchRequest,
    *,
    snapshot: str = "",
    timeout_s: float | None = None,
) -> SearchResponse:
    """Return the answer, once it stands in the audit log; what ends without one stands there, too.

    Args:
        serving: keeps the record.
        collection: is asked.
        request: the question.
        snapshot: whole id of the one that must answer; the alias's where it is empty.
        timeout_s: seconds it may take; the limit where it is greater, or not given.

    Raises:
        EagleRayError: there is no answer, or it could not be recorded.
    """
    started = time.perf_counter_ns()

    async def record(outcome: SearchResponse | Exception) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        ended = Ended(
            request=request,
            outcome=outcome,
            snapshot=snapshot,
            latency_us=latency_us,
            request_id=read_request_id(),
        )
        with span("record"):
            await asyncio.to_thread(serving.record, ended)

    try:
        response = await collection.searches.answer(request, snapshot=snapshot or None, timeout_s=timeout_s)
    except Exception as error:
        await record(error)
        raise
    await record(response)
    return response


@contextmanager
def count_search(metrics: Metrics) -> Iterator[None]:
    """Count a search by how the block ends."""
    try:
        yield
    except Exception as error:
        metrics.count_search(find_status(error))
        raise
    metrics.count_search(200)
