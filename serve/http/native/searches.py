"""What callers read of a collection: hits of one question or of many, counts of values, a document whole.

Segments hold rows of everybody. Their names, their sizes, the rows known by a time, the plan that was chosen
and whether it is exact all depend on rows that a caller may not see; so does the time that each step took.
Only those who may examine are told them; the audit log has them in any case.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from eagleray.contracts.answers import show_counts, show_document, show_response
from eagleray.contracts.callers import Action, Caller
from eagleray.contracts.hits import SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.principals import Principal
from serve.engine.questions import CountValues, ShowDocument
from serve.engine.quotas import Quotas
from serve.engine.snapshot_pool import Engine
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Searching
from serve.http.answer_models import BatchAnswer, DocumentAnswer, FacetsAnswer, SearchAnswer, answered
from serve.http.audited_read import count_asked, read_all_audited, read_audited
from serve.http.feature import given
from serve.http.metrics import AskedKind, Metrics
from serve.http.native.cursors import find_place, make_cursor
from serve.http.native.search_bodies import BatchBody, DocumentQuery, FacetsBody, SearchBody
from serve.http.serving import ServedCollection, ServedCollections, Server

Told = TypeVar("Told", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParts:
    """What routes are given that ask collections: these, what each caller may ask, and what counts."""

    collections: ServedCollections
    quotas: Quotas
    metrics: Metrics


def choose_parts(server: Server) -> SearchParts:
    """Return what these routes are given of a server."""
    return SearchParts(collections=server.collections, quotas=server.quotas, metrics=server.metrics)


Asking = Annotated[SearchParts, given(SearchParts)]

router = APIRouter()


def explain_to(caller: Caller, request: SearchRequest, response: SearchResponse) -> SearchResponse:
    """Return an answer with what its caller may be told of it.

    Args:
        caller: who asked.
        request: what was asked; by words alone, or exact if it says so, every answer is exact.
        response: the answer.
    """
    if caller.may(Action.EXAMINE):
        return response
    is_exact = True if request.exact or request.mode is SearchMode.LEXICAL else None
    explanation = replace(response.explanation, segments=(), is_exact=is_exact, timings_ms={})
    return replace(response, explanation=explanation)


@router.post(
    "/collections/{name}/search",
    tags=["search"],
    summary="Best hits the caller may see",
    response_model=None,
    responses=answered(SearchAnswer),
)
async def search(name: str, body: SearchBody, caller: Searching, parts: Asking) -> JSONResponse:
    """Answer a question from the alias's snapshot, or the one it names, or its cursor does.

    With `pages` above 1 the answer holds the first `k` hits of one ranking, and `next` asks for those after
    them: on the same snapshot, whatever is published meanwhile.
    """
    collection, subject = parts.collections.find(name, caller), caller.principal.subject
    with count_asked(parts.metrics, AskedKind.SEARCH):
        place = find_place(body, subject=subject)
        request = replace(body.to_request(caller.principal), k=body.k * body.pages, page=place.page)
        response = await read_audited(
            collection,
            caller,
            request,
            lambda named: collection.searches.answer(request, snapshot=named, timeout_s=body.timeout_s),
            snapshot=place.snapshot,
        )
    shown = _show(explain_to(caller, request, response), is_explained=body.explain)
    if place.page is not None:
        shown["next"] = make_cursor(
            body, place.page, subject=subject, snapshot=shown["snapshot"], n_hits=len(response.hits)
        )
    return JSONResponse(shown)


@router.post(
    "/collections/{name}/search/batch",
    tags=["search"],
    summary="Best hits of many questions, all from one snapshot",
    response_model=None,
    responses=answered(BatchAnswer),
)
async def search_batch(name: str, body: BatchBody, caller: Searching, parts: Asking) -> Response:
    """Answer every question, or none: the first that cannot be answered ends them all.

    Each counts as a request of its caller.
    """
    collection = parts.collections.find(name, caller)
    await parts.quotas.requests.take(caller.principal.subject, len(body.questions) - 1, collection=name)
    with count_asked(parts.metrics, AskedKind.BATCH):
        requests = await run_in_thread(Work.TEXTS, _read, body, caller.principal)
        responses = await read_all_audited(
            collection,
            caller,
            requests,
            lambda named: collection.searches.answer_all(requests, snapshot=named, timeout_s=body.timeout_s),
            snapshot=body.snapshot,
        )
    told = [explain_to(caller, *pair) for pair in zip(requests, responses, strict=True)]
    content = await run_in_thread(Work.TEXTS, _write, told, is_explained=body.explain)
    return Response(content, media_type="application/json")


@router.post(
    "/collections/{name}/facets",
    tags=["search"],
    summary="Commonest values of a column among what the caller may see",
    response_model=None,
    responses=answered(FacetsAnswer),
)
async def count_values(name: str, body: FacetsBody, caller: Searching, parts: Asking) -> JSONResponse:
    """Count documents by a column's values on the alias's snapshot, or the one that is named."""
    collection = parts.collections.find(name, caller)
    with count_asked(parts.metrics, AskedKind.FACETS):
        asked = CountValues(body.to_request(caller.principal))
        counts = await _ask_engine(
            collection, caller, asked, snapshot=body.snapshot, timeout_s=body.timeout_s
        )
    return JSONResponse(show_counts(counts))


@router.get(
    "/collections/{name}/documents",
    tags=["documents"],
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
        asked = ShowDocument(query.to_request(caller.principal))
        document = await _ask_engine(
            collection, caller, asked, snapshot=query.snapshot, timeout_s=query.timeout_s
        )
    shown = show_document(document)
    write_ids(shown["chunks"])
    return JSONResponse(shown, headers={"cache-control": "no-store"})


class _Asked(Protocol[Told]):
    """What an engine is asked besides searches, and the request that is recorded of it."""

    @property
    def request(self) -> object: ...

    def __call__(self, engine: Engine) -> Told: ...


async def _ask_engine(
    collection: ServedCollection,
    caller: Caller,
    asked: _Asked[Told],
    *,
    snapshot: str,
    timeout_s: float | None,
) -> Told:
    return await read_audited(
        collection,
        caller,
        asked.request,
        lambda named: collection.answerer.answer(asked, snapshot=named, timeout_s=timeout_s),
        snapshot=snapshot,
    )


def _read(body: BatchBody, principal: Principal) -> list[SearchRequest]:
    return [question.to_request(principal) for question in body.questions]


def _write(responses: Sequence[SearchResponse], *, is_explained: bool) -> bytes:
    """Return the answers as JSON, written one by one, so that others work between two of them."""
    shown = [_show(response, is_explained=is_explained) for response in responses]
    snapshot = json.dumps(shown[0]["snapshot"])
    answers = ",".join(json.dumps(answer, ensure_ascii=False, allow_nan=False) for answer in shown)
    return f'{{"snapshot":{snapshot},"answers":[{answers}]}}'.encode()


def _show(response: SearchResponse, *, is_explained: bool) -> dict[str, Any]:
    shown = show_response(response, is_explained=is_explained)
    write_ids(shown["hits"])
    return shown


def write_ids(rows: Sequence[dict[str, Any]]) -> None:
    """Write the ids of shown rows as texts: they have 63 bits, more than a JavaScript number can hold."""
    for row in rows:
        row["chunk_id"] = str(row["chunk_id"])
