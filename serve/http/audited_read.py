"""Reads of a collection: nothing is answered before it stands in the audit log."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any, TypeVar

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.callers import Action, Caller
from serve.audit.request_entries import EndedRequest
from serve.engine.threads import Work, run_in_thread
from serve.http.errors.problems import find_status
from serve.http.metrics import AskedKind, Metrics
from serve.http.request_ids import read_request_id
from serve.http.serving import ServedCollection
from serve.tracing.spans import span

AnyReply = TypeVar("AnyReply")


async def read_audited(
    collection: ServedCollection,
    caller: Caller,
    request: object,
    ask: Callable[[AskedSnapshot | None], Awaitable[AnyReply]],
    *,
    snapshot: str = "",
) -> AnyReply:
    """Return the reply to one request, once it stands in the audit log; see `read_all_audited`."""

    async def ask_it(named: AskedSnapshot | None) -> tuple[AnyReply]:
        return (await ask(named),)

    (reply,) = await read_all_audited(collection, caller, (request,), ask_it, snapshot=snapshot)
    return reply


async def read_all_audited(
    collection: ServedCollection,
    caller: Caller,
    requests: Sequence[object],
    ask: Callable[[AskedSnapshot | None], Awaitable[Sequence[AnyReply]]],
    *,
    snapshot: str = "",
) -> Sequence[AnyReply]:
    """Return the replies, once they stand in the audit log; what ends without one stands there, too.

    Args:
        collection: that is asked; its log keeps the records.
        caller: who asks.
        requests: what is asked at once; each has a record of its own.
        ask: gives the reply to each, from a snapshot by the entitlements that rule it, or the alias's.
        snapshot: whole id of the one that is named; empty for the alias's.

    Raises:
        NotPublishedError: there is no such snapshot, or not for this caller.
        EagleRayError: there is no answer, or it could not be recorded.
    """
    started = time.perf_counter_ns()
    named = ask_own(snapshot) if snapshot else None

    async def record(outcomes: Sequence[Any]) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        ended = [
            EndedRequest(
                request=request,
                outcome=outcome,
                snapshot=named,
                latency_us=latency_us,
                request_id=read_request_id(),
            )
            for request, outcome in zip(requests, outcomes, strict=True)
        ]
        with span("record"):
            await run_in_thread(Work.AUDIT, collection.recorder.record, ended)

    try:
        if snapshot:
            may_examine = caller.may(Action.EXAMINE)
            named = await collection.publications.find(snapshot, may_examine=may_examine)
        replies = await ask(named)
    except Exception as error:
        await record([*repeat(error, len(requests))])
        raise
    await record(replies)
    return replies


@contextmanager
def count_asked(metrics: Metrics, kind: AskedKind) -> Iterator[None]:
    """Count what is asked by how the block ends."""
    try:
        yield
    except Exception as error:
        metrics.count_asked(kind, find_status(error))
        raise
    metrics.count_asked(kind, 200)
