"""Writing and removing documents of a collection."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse

from eagleray.contracts.callers import Caller
from eagleray.contracts.documents import Document
from eagleray.digests import digest_json
from eagleray.errors import ForbiddenError, NotPublishedError
from indexes.writing.requests import Begun, Write, name_write
from serve.http.access import Served, Writing
from serve.http.answer_models import WriteAnswer, answered
from serve.http.carrying_out import carry_out
from serve.http.completed import CompletedRoute
from serve.http.document_bodies import MAX_DOCUMENTS, Name, WriteBody
from serve.http.serving import DocumentWriter, Serving

PATH: Final = "/collections/{name}/documents"

router = APIRouter(tags=["documents"], route_class=CompletedRoute)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same request under the same key is carried out once, however often it is sent.",
    ),
]
Names = Annotated[list[Name], Query(alias="doc_id", min_length=1, max_length=MAX_DOCUMENTS)]


@router.post(PATH, summary="Write documents", response_model=None, responses=answered(WriteAnswer))
async def write_documents(
    name: str, body: WriteBody, caller: Writing, serving: Served, key: Key = None
) -> JSONResponse:
    """Write versions of documents, all or none; answered once they are published."""
    writer = _find_writer(serving, name, caller)
    await serving.quotas.texts.take(caller.principal.subject, len(body.documents))
    asked = {"documents": body.model_dump(mode="json")["documents"]}
    begun = await _begin(writer, caller, key=key, asked=asked)
    documents = body.to_documents(now=begun.now)
    return await _carry_out(writer, caller, begun, documents=documents)


@router.delete(PATH, summary="Remove documents", response_model=None, responses=answered(WriteAnswer))
async def remove_documents(
    name: str, doc_ids: Names, caller: Writing, serving: Served, key: Key = None
) -> JSONResponse:
    """Close documents from now on; those that are not there are none the more."""
    writer = _find_writer(serving, name, caller)
    removed = tuple(sorted(set(doc_ids)))
    begun = await _begin(writer, caller, key=key, asked={"removed": list(removed)})
    return await _carry_out(writer, caller, begun, removed=removed)


def _find_writer(serving: Serving, name: str, caller: Caller) -> DocumentWriter:
    serving.find_collection(name)
    if serving.documents is None:
        raise NotPublishedError(name=name, detail="no documents are taken here")
    if caller.principal.zones is not None:
        raise ForbiddenError(action="ingest without every zone")
    return serving.documents


async def _begin(writer: DocumentWriter, caller: Caller, *, key: str | None, asked: dict[str, Any]) -> Begun:
    now = time.time_ns() // 1000
    if key is None:
        return Begun(name=uuid.uuid4().hex, now=now)
    return await writer.begin(name_write(caller.principal.subject, key), digest_json(asked), now)


async def _carry_out(
    writer: DocumentWriter,
    caller: Caller,
    begun: Begun,
    *,
    documents: Sequence[Document] = (),
    removed: Sequence[str] = (),
) -> JSONResponse:
    write = Write(begun=begun, documents=tuple(documents), removed=tuple(removed))
    snapshot = await carry_out(writer, caller.principal, write)
    return JSONResponse({"snapshot": snapshot, "written": len(documents), "removed": len(removed)})
