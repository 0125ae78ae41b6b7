"""The records of the caller of a request, and what is written of the use of a file in the audit log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Request

from eagleray.contracts.callers import Caller
from eagleray.errors import NotPublishedError
from serve.audit.kinds.stored_files import FileAction, FileUse
from serve.audit.request_entries import EndedRequest
from serve.audit.request_recorder import RequestRecorder
from serve.engine.quotas import Quotas
from serve.engine.threads import Work, run_in_thread
from serve.engine.uncancellable import UncancellableWork
from serve.http.access import CALLER
from serve.http.feature import given
from serve.http.metrics import Metrics
from serve.http.request_ids import read_request_id
from serve.http.serving import DocumentWriter, ServedCollection, ServedCollections, Server
from serve.http.uploads import Uploads
from serve.uploads.keeping import OwnRecords

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadParts:
    """What routes of files and vector stores are given.

    Attributes:
        collections: files are kept in the default one.
        quotas: what each caller may write.
        metrics: count searches.
        uncancellable: ends what was begun.
    """

    collections: ServedCollections
    quotas: Quotas
    metrics: Metrics
    uncancellable: UncancellableWork


def choose_parts(server: Server) -> UploadParts:
    """Return what these routes are given of a server."""
    return UploadParts(
        collections=server.collections,
        quotas=server.quotas,
        metrics=server.metrics,
        uncancellable=server.uncancellable,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSite:
    """Where files and vector stores of a request are: in a collection, if there is one for its caller."""

    parts: UploadParts
    found: ServedCollection | None

    @property
    def collection(self) -> ServedCollection:
        """The collection.

        Raises:
            NotPublishedError: there is none.
        """
        if self.found is None:
            raise NotPublishedError(name="files", detail="no files are taken here")
        return self.found

    def require_uploads(self) -> tuple[Uploads, DocumentWriter]:
        """Return what keeps files, and what takes their documents.

        Raises:
            NotPublishedError: nothing is taken here.
        """
        return self.collection.require_uploads()


async def _find_site(request: Request, parts: Annotated[UploadParts, given(UploadParts)]) -> UploadSite:
    caller: Caller = request.scope[CALLER]
    found = parts.collections.default
    is_seen = found is not None and caller.may_see(found.name)
    return UploadSite(parts=parts, found=found if is_seen else None)


Site = Annotated[UploadSite, Depends(_find_site)]


async def run_own(ask: Callable[_Given, _Found], *given: _Given.args, **named: _Given.kwargs) -> _Found:
    """Return what a method of a caller's records returns; it may block, and runs in a thread."""
    return await run_in_thread(Work.UPLOADS, ask, *given, **named)


def open_own(site: UploadSite, caller: Caller) -> OwnRecords:
    """Return the caller's own records.

    Raises:
        NotPublishedError: no files are taken here.
    """
    uploads, _ = site.require_uploads()
    return uploads.open_own(caller.principal.subject)


@asynccontextmanager
async def record_file_use(
    site: UploadSite,
    caller: Caller,
    action: FileAction,
    *,
    parameters: Mapping[str, Any],
    texts: Mapping[str, Any] | None = None,
) -> AsyncIterator[None]:
    """Record how the block ends, before the answer is given.

    Args:
        site: keeps the record.
        caller: who asked.
        action: what for.
        parameters: JSON values that hold no text of the caller's.
        texts: JSON values that do.

    Raises:
        AuditError: it could not be recorded.
    """
    site.require_uploads()
    use = FileUse(action=action, principal=caller.principal, parameters=parameters, texts=texts or {})
    async with record_use(site.collection.recorder, use):
        yield


@asynccontextmanager
async def record_use(recorder: RequestRecorder, use: FileUse) -> AsyncIterator[None]:
    """Record how the block ends, before the answer is given; see `record_file_use`."""
    request_id, started = read_request_id(), time.perf_counter_ns()

    async def record(error: Exception | None) -> None:
        latency_us = (time.perf_counter_ns() - started) // 1_000
        ended = EndedRequest(request=use, outcome=error, latency_us=latency_us, request_id=request_id)
        await run_in_thread(Work.AUDIT, recorder.record, [ended])

    try:
        yield
    except Exception as error:
        await record(error)
        raise
    await record(None)
