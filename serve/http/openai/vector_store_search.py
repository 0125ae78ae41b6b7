"""Texts of a vector store: the best chunks for a question, and the whole of one file.

Source: OpenAI's API reference, `POST /v1/vector_stores/{vector_store_id}/search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fastapi import APIRouter

from eagleray.contracts.filters import And, FilterExpression, IsIn, Not, StartsWith
from eagleray.contracts.hits import Hit
from eagleray.contracts.principals import Principal, name_private_group
from eagleray.documents.parsing.pool import ParserPool
from eagleray.errors import NotPublishedError
from serve.http.access import Searching
from serve.http.answer_models import answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.metrics import AskedKind
from serve.http.openai.owned_records import Site, open_own, record_file_use, run_own
from serve.http.openai.upload_answers import ResultsAnswer, TextsAnswer, show_result
from serve.http.openai.upload_bodies import StoreSearchBody
from serve.uploads.attachments import choose_findable
from serve.uploads.filters import Selects, read_filter
from serve.uploads.keeping import OwnRecords
from serve.uploads.reading import Refusal, read_texts
from serve.uploads.records import Attached, StoreRecord, name_source

router = APIRouter(tags=["vector stores"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What a vector store holds.

    Attributes:
        store: its record.
        findable: what can be found of it.
        others: sources of rows that may be there, but are not to be found.
    """

    store: StoreRecord
    findable: Sequence[Attached]
    others: tuple[str, ...]


@router.post(
    "/v1/vector_stores/{vector_store_id}/search",
    summary="Best chunks of a vector store",
    response_model=None,
    responses=answered(ResultsAnswer),
)
async def search_vector_store(
    vector_store_id: str, body: StoreSearchBody, caller: Searching, site: Site
) -> dict[str, Any]:
    """Answer a question from the files of a vector store."""
    own = open_own(site, caller)
    held, rows = await run_own(_find_rows, own, vector_store_id, body)
    asked = replace(body.to_request(_narrow(caller.principal)), filter=rows)
    with count_asked(site.parts.metrics, AskedKind.SEARCH):
        searches = site.collection.searches
        response = await read_audited(site.collection, caller, asked, lambda _: searches.answer(asked))
    found = await run_own(_keep_there, own, held, response.hits)
    return {
        "object": "vector_store.search_results.page",
        "search_query": body.list_queries(),
        "data": [show_result(hit, attached) for hit, attached in found],
        "has_more": False,
        "next_page": None,
    }


@router.get(
    "/v1/vector_stores/{vector_store_id}/files/{file_id}/content",
    summary="The text of a file",
    response_model=None,
    responses=answered(TextsAnswer),
)
async def retrieve_text(vector_store_id: str, file_id: str, caller: Searching, site: Site) -> dict[str, Any]:
    """Return the text that is searched, a piece for each record of the file."""
    own = open_own(site, caller)
    parameters = {"vector_store": vector_store_id[:64], "file": file_id[:64]}
    async with record_file_use(site, caller, "read_file", parameters=parameters):
        uploads, _ = site.require_uploads()
        read = partial(_read_texts, uploads.reader.parsers, own, vector_store_id, file_id=file_id)
        texts = await uploads.reader.run(caller.principal.subject, read)
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text} for text in texts],
        "has_more": False,
        "next_page": None,
    }


def _find_rows(own: OwnRecords, store_id: str, body: StoreSearchBody) -> tuple[_Held, FilterExpression]:
    """Return what a vector store holds, and which rows of it are asked: a filter is asked of every file."""
    selects = None if body.filters is None else read_filter(body.filters.model_dump())
    held = _find_held(own, store_id)
    return held, _choose_rows(held, selects)


def _find_held(own: OwnRecords, store_id: str) -> _Held:
    store = own.find_store(store_id, is_expired=False)
    own.touch_store(store)
    attempts = own.attachments.list_attempts(store_id)
    findable = choose_findable(attempts)
    shown = {item.attempt for item in findable}
    others = (item.source for item in attempts if item.n_documents and item.attempt not in shown)
    return _Held(store=store, findable=findable, others=tuple(others))


def _choose_rows(held: _Held, selects: Selects | None) -> FilterExpression:
    everything = StartsWith(column="source", prefix=name_source(held.store.store_id))
    if selects is not None:
        sources = tuple(item.source for item in held.findable if selects(item.attributes))
        return And(operands=(everything, IsIn(column="source", values=sources)))
    if held.others:
        return And(operands=(everything, Not(operand=IsIn(column="source", values=held.others))))
    return everything


def _keep_there(own: OwnRecords, held: _Held, hits: Sequence[Hit]) -> list[tuple[Hit, Attached]]:
    """Return the hits in files that are still there: what was deleted before the answer is not in it."""
    own.find_store(held.store.store_id, is_expired=False)
    by_source = {item.source: item for item in held.findable}
    found = [(hit, by_source[hit.source]) for hit in hits if hit.source in by_source]
    files = {name for name in {attached.file_id for _, attached in found} if own.has_file(name)}
    return [(hit, attached) for hit, attached in found if attached.file_id in files]


def _narrow(principal: Principal) -> Principal:
    """Return the principal with its private group exclusive: nothing else of theirs is asked here."""
    return replace(principal, groups=frozenset({name_private_group(principal.subject)}))


def _read_texts(parsers: ParserPool, own: OwnRecords, store_id: str, *, file_id: str) -> list[str]:
    own.find_store(store_id, is_expired=False)
    own.attachments.find(store_id, file_id)
    file = own.find_file(file_id)
    texts = read_texts(parsers, own.read_content(file), file)
    if not own.has_file(file_id):
        raise NotPublishedError(name=file_id, detail="it was deleted while it was read")
    return [] if isinstance(texts, Refusal) else texts
