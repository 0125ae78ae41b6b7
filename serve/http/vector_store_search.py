"""Texts of a vector store: the best chunks for a question, and the whole of one file.

Source: OpenAI's API reference, `POST /v1/vector_stores/{vector_store_id}/search`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from eagleray.contracts.filters import And, FilterExpression, IsIn, StartsWith
from eagleray.contracts.principals import Principal, name_private_group
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Searching, Served
from serve.http.answer_models import answered
from serve.http.asking import count_asked, keep_reply
from serve.http.metrics import AskedKind
from serve.http.owned_records import open_own, record_use
from serve.http.upload_answers import ResultsAnswer, TextsAnswer, show_result
from serve.http.upload_bodies import StoreSearchBody
from serve.uploads.filters import Selects, read_filter
from serve.uploads.keeping import OwnRecords
from serve.uploads.reading import Refusal, read_texts
from serve.uploads.records import AttachedRecord, FileRecord, StoreRecord, name_source

router = APIRouter(tags=["vector stores"])


@router.post(
    "/v1/vector_stores/{store_id}/search",
    summary="Best chunks of a vector store",
    response_model=None,
    responses=answered(ResultsAnswer),
)
async def search_vector_store(
    store_id: str, body: StoreSearchBody, caller: Searching, serving: Served
) -> dict[str, Any]:
    """Answer a question from the files of a vector store."""
    own = open_own(serving, caller)
    selects = None if body.filters is None else read_filter(body.filters)
    attached = await run_in_thread(Work.UPLOADS, _find_written, own, store_id)
    asked = replace(
        body.to_request(_narrow(caller.principal)), filter=_choose_rows(store_id, attached, selects)
    )
    with count_asked(serving.metrics, AskedKind.SEARCH):
        answering = serving.collection.searches.answer(asked)
        response = await keep_reply(serving, asked, answering, snapshot="")
    found = [(hit, attached.get(hit.source)) for hit in response.hits]
    return {
        "object": "vector_store.search_results.page",
        "search_query": body.list_queries(),
        "data": [show_result(hit, record) for hit, record in found if record is not None],
        "has_more": False,
        "next_page": None,
    }


@router.get(
    "/v1/vector_stores/{store_id}/files/{file_id}/content",
    summary="The text of a file",
    response_model=None,
    responses=answered(TextsAnswer),
)
async def retrieve_text(store_id: str, file_id: str, caller: Searching, serving: Served) -> dict[str, Any]:
    """Return the text that is searched, a piece for each record of the file."""
    own = open_own(serving, caller)
    parameters = {"vector_store": store_id[:64], "file": file_id[:64]}
    async with record_use(serving, caller, "read_file", parameters=parameters):
        texts = await run_in_thread(Work.UPLOADS, _read_texts, own, store_id, file_id)
    return {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": text} for text in texts],
        "has_more": False,
        "next_page": None,
    }


def _find_written(own: OwnRecords, store_id: str) -> dict[str, AttachedRecord]:
    """Return source of the rows -> record, of the files that can be found."""
    own.find(StoreRecord, store_id)
    found = [record for record in own.list(AttachedRecord, store_id) if record.is_written]
    return {name_source(store_id, record.file_id): record for record in found}


def _choose_rows(
    store_id: str, attached: Mapping[str, AttachedRecord], selects: Selects | None
) -> FilterExpression:
    everything = StartsWith(column="source", prefix=name_source(store_id))
    if selects is None:
        return everything
    sources = [source for source, record in attached.items() if selects(record.attributes)]
    return And(operands=(everything, IsIn(column="source", values=tuple(sources))))


def _narrow(principal: Principal) -> Principal:
    """Return the principal with its private group alone: nothing else of theirs is asked here."""
    return replace(principal, groups=frozenset({name_private_group(principal.subject)}))


def _read_texts(own: OwnRecords, store_id: str, file_id: str) -> list[str]:
    own.find(AttachedRecord, store_id, file_id)
    file = own.find(FileRecord, file_id)
    texts = read_texts(own.read_content(file), file)
    return [] if isinstance(texts, Refusal) else texts
