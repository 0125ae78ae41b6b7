"""One document of a collection, as its caller sees it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from eagleray.contracts.answers import show_document
from serve.engine.questions import ShowDocument
from serve.http.access import Searching
from serve.http.answer_models import DocumentAnswer, answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.metrics import AskedKind
from serve.http.native.search_bodies import DocumentQuery
from serve.http.native.searches import Asking

router = APIRouter(tags=["documents"])


@router.get(
    "/collections/{name}/documents",
    summary="A document's chunks that the caller may see",
    response_model=None,
    responses=answered(DocumentAnswer),
)
async def show(
    name: str, query: Annotated[DocumentQuery, Query()], caller: Searching, parts: Asking
) -> JSONResponse:
    """Show a document of the alias's snapshot, or of the one that is named.

    It is named by a parameter, because proxies rewrite slashes in a path. No cache may keep the answer.
    """
    collection = parts.collections.find(name, caller)
    with count_asked(parts.metrics, AskedKind.DOCUMENT):
        request = query.to_request(caller.principal)
        ask, timeout_s = ShowDocument(request), query.timeout_s
        document = await read_audited(
            collection,
            caller,
            request,
            lambda named: collection.answerer.answer(ask, snapshot=named, timeout_s=timeout_s),
            snapshot=query.snapshot,
        )
    shown = show_document(document)
    for chunk in shown["chunks"]:
        chunk["chunk_id"] = str(chunk["chunk_id"])  # of 63 bits: more than a number of JavaScript holds
    return JSONResponse(shown, headers={"cache-control": "no-store"})
