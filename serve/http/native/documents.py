"""Writing and removing documents of a collection."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse

from eagleray.contracts.callers import Action, Caller
from eagleray.digests import digest_json
from eagleray.errors import ForbiddenError, InputError, NotPublishedError
from indexes.writing.requests import Begun, Write, name_key
from serve.engine.quotas import Quotas
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Writing
from serve.http.answer_models import WriteAnswer, answered
from serve.http.audited_write import wait_until_found, write_audited
from serve.http.feature import given
from serve.http.native.document_bodies import MAX_DOCUMENTS, Name, WriteBody
from serve.http.serving import DocumentWriter, ServedCollection, ServedCollections, Server
from serve.http.uncancellable_route import UncancellableRoute

PATH: Final = "/collections/{name}/documents"

WAIT_S: Final = 10.0
"""Seconds that an answer waits until searches find what was written, where the request does not say."""

MAX_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteParts:
    """What these routes are given: collections that take documents, and what each caller may write."""

    collections: ServedCollections
    quotas: Quotas


def choose_parts(server: Server) -> WriteParts:
    """Return what these routes are given of a server."""
    return WriteParts(collections=server.collections, quotas=server.quotas)


Writable = Annotated[WriteParts, given(WriteParts)]

router = APIRouter(tags=["documents"], route_class=UncancellableRoute)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same request under the same key is carried out once, however often it is sent.",
    ),
]
WaitS = Annotated[
    float,
    Query(
        ge=0.0,
        le=MAX_WAIT_S,
        allow_inf_nan=False,
        description="Seconds that the answer waits until searches find the change; 0 for not at all.",
    ),
]
Names = Annotated[list[Name], Query(alias="doc_id", min_length=1, max_length=MAX_DOCUMENTS)]


@router.post(PATH, summary="Write documents", response_model=None, responses=answered(WriteAnswer))
async def write_documents(
    name: str, body: WriteBody, caller: Writing, parts: Writable, key: Key = None, wait_s: WaitS = WAIT_S
) -> JSONResponse:
    """Write versions of documents, all or none; answered once searches find them, or the wait is over."""
    collection = parts.collections.find(name, caller)
    writer = _find_writer(collection, caller)
    await parts.quotas.texts.take(caller.principal.subject, len(body.documents), collection=name)
    now = time.time_ns() // 1_000
    documents = await run_in_thread(
        Work.TEXTS, body.to_documents, now=now
    )  # what is refused here has not yet used its key
    begun = await _begin(writer, caller, key=key, asked=lambda: _show_asked(body), now=now)
    if begun.now != now:
        documents = await run_in_thread(Work.TEXTS, body.to_documents, now=begun.now)
    write = Write(begun=begun, documents=documents)
    return await _answer_write(collection, writer, caller, write, wait_s=wait_s)


@router.delete(PATH, summary="Remove documents", response_model=None, responses=answered(WriteAnswer))
async def remove_documents(
    name: str, doc_ids: Names, caller: Writing, parts: Writable, key: Key = None, wait_s: WaitS = WAIT_S
) -> JSONResponse:
    """Close documents from now on; those that are not there are none the more."""
    collection = parts.collections.find(name, caller)
    writer = _find_writer(collection, caller)
    removed = tuple(sorted(set(doc_ids)))
    now = time.time_ns() // 1_000
    begun = await _begin(writer, caller, key=key, asked=lambda: {"removed": list(removed)}, now=now)
    write = Write(begun=begun, removed=removed)
    return await _answer_write(collection, writer, caller, write, wait_s=wait_s)


def _find_writer(collection: ServedCollection, caller: Caller) -> DocumentWriter:
    if collection.documents is None:
        raise NotPublishedError(name=collection.name, detail="no documents are taken here")
    if caller.principal.zones is not None:
        raise ForbiddenError(action=str(Action.INGEST), needs="access to every zone")
    return collection.documents


async def _begin(
    writer: DocumentWriter, caller: Caller, *, key: str | None, asked: Callable[[], dict[str, Any]], now: int
) -> Begun:
    """Return how a request begins; what it asked for is digested in a thread, for it may be long."""
    if key is None:
        return Begun(name=uuid.uuid4().hex, now=now)
    digest = await run_in_thread(Work.TEXTS, lambda: digest_json(asked()))
    return await writer.begin(name_key(caller.principal.subject, key), digest, now)


def _show_asked(body: WriteBody) -> dict[str, Any]:
    return {"documents": body.model_dump(mode="json")["documents"]}


async def _answer_write(
    collection: ServedCollection, writer: DocumentWriter, caller: Caller, write: Write, *, wait_s: float
) -> JSONResponse:
    try:
        snapshot = await write_audited(collection, writer, caller.principal, write)
    except InputError:  # refused, whole
        if write.begun.has_key:
            await writer.free(write.begun)
        raise
    is_searchable = await wait_until_found(collection, snapshot, wait_s=wait_s)
    return JSONResponse(
        {
            "snapshot": snapshot,
            "written": len(write.documents),
            "removed": len(write.removed),
            "is_searchable": is_searchable,
        }
    )
