"""The records of the caller of a request, and what is written of the use of a file in the audit log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

from eagleray.contracts.callers import Caller
from serve.audit.kinds.stored_files import FileAction, FileUse
from serve.audit.requests import EndedRequest
from serve.engine.threads import Work, run_in_thread
from serve.http.request_ids import read_request_id
from serve.http.serving import Serving
from serve.uploads.keeping import OwnRecords

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


async def run_own(ask: Callable[_Given, _Found], *given: _Given.args, **named: _Given.kwargs) -> _Found:
    """Return what a method of a caller's records returns; it may block, and runs in a thread."""
    return await run_in_thread(Work.UPLOADS, ask, *given, **named)


def open_own(serving: Serving, caller: Caller) -> OwnRecords:
    """Return the caller's own records.

    Raises:
        NotPublishedError: no files are taken here.
    """
    uploads, _ = serving.require_uploads()
    return uploads.open_own(caller.principal.subject)


@asynccontextmanager
async def record_use(
    serving: Serving,
    caller: Caller,
    action: FileAction,
    *,
    parameters: Mapping[str, Any],
    texts: Mapping[str, Any] | None = None,
) -> AsyncIterator[None]:
    """Record how the block ends, before the answer is given.

    Args:
        serving: keeps the record.
        caller: who asked.
        action: what for.
        parameters: JSON values that hold no text of the caller's.
        texts: JSON values that do.

    Raises:
        AuditError: it could not be recorded.
    """
    serving.require_uploads()
    use = FileUse(action=action, principal=caller.principal, parameters=parameters, texts=texts or {})
    request_id, started = read_request_id(), time.perf_counter_ns()

    async def record(error: Exception | None) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        ended = EndedRequest(request=use, outcome=error, latency_us=latency_us, request_id=request_id)
        await run_in_thread(Work.AUDIT, serving.recorder.record, [ended])

    try:
        yield
    except Exception as error:
        await record(error)
        raise
    await record(None)
