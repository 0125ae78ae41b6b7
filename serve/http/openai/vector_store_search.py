"""Texts of a vector store: the best chunks for a question, and the whole of one file.

Source: OpenAI's API reference, `POST /v1/vector_stores/{vector_store_id}/search`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter

from eagleray.contracts.filters import FilterExpression
from eagleray.documents.parsing.pool import ParserPool
from eagleray.errors import NotPublishedError
from serve.http.access import Searching
from serve.http.answer_models import answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.metrics import AskedKind
from serve.http.openai.held_files import HeldFiles, choose_rows, find_held, keep_there, narrow
from serve.http.openai.owned_records import Site, open_own, record_file_use, run_own
from serve.http.openai.upload_answers import ResultsAnswer, TextsAnswer, show_result
from serve.http.openai.upload_bodies import StoreSearchBody
from serve.uploads.filters import read_filter
from serve.uploads.keeping import OwnRecords
from serve.uploads.reading import Refusal, read_texts

router = APIRouter(tags=["vector stores"])


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
    asked = replace(body.to_request(narrow(caller.principal)), filter=rows)
    with count_asked(site.parts.metrics, AskedKind.SEARCH):
        searches = site.collection.searches
        response = await read_audited(site.collection, caller, asked, lambda _: searches.answer(asked))
    found = await run_own(keep_there, own, held, response.hits)
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


def _find_rows(own: OwnRecords, store_id: str, body: StoreSearchBody) -> tuple[HeldFiles, FilterExpression]:
    """Return what a vector store holds, and which rows of it are asked: a filter is asked of every file."""
    selects = None if body.filters is None else read_filter(body.filters.model_dump())
    held = find_held(own, store_id)
    return held, choose_rows(held, selects)


def _read_texts(parsers: ParserPool, own: OwnRecords, store_id: str, *, file_id: str) -> list[str]:
    own.find_store(store_id, is_expired=False)
    own.attachments.find(store_id, file_id)
    file = own.find_file(file_id)
    texts = read_texts(parsers, own.read_content(file), file)
    if not own.has_file(file_id):
        raise NotPublishedError(name=file_id, detail="it was deleted while it was read")
    return [] if isinstance(texts, Refusal) else texts
