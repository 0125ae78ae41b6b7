"""What a server is asked: each operation with its path, its body and how its answer is read.

A write or removal goes under a key of its own, so that it is safe to send again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from eagleray.client.choices import read_mappings, read_seconds
from eagleray.client.cited_questions import CitedQuestion
from eagleray.client.conversation import Call, Operation
from eagleray.client.questions import Question, show_time, write_json
from eagleray.contracts.answers import read_cited_answer, read_counts, read_document, read_response
from eagleray.contracts.cited_answers import CitedAnswer
from eagleray.contracts.facets import ValueCounts
from eagleray.contracts.hits import FacetRequest, SearchResponse
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a write.

    Attributes:
        snapshot: id of the first snapshot that holds it; it is published.
        n_written: documents that were written.
        n_removed: documents that are closed, or were not there.
        is_searchable: whether every search that begins now is answered from it; false where the wait ran out.
    """

    snapshot: str
    n_written: int
    n_removed: int
    is_searchable: bool


def describe_search(question: Question) -> Operation[SearchResponse]:
    """Return the operation that asks one question; its explanation is asked for, too."""

    def write(timeout_s: float) -> Call:
        body = {**question.show(), "snapshot": question.snapshot, "explain": True}
        return _post("/search", body, timeout_s)

    return Operation(write=write, read=read_response)


def describe_batch(questions: Sequence[Question], *, snapshot: str) -> Operation[tuple[SearchResponse, ...]]:
    """Return the operation that asks one snapshot many questions, whatever snapshots they name."""

    def write(timeout_s: float) -> Call:
        shown = [question.show() for question in questions]
        return _post("/search/batch", {"questions": shown, "snapshot": snapshot, "explain": True}, timeout_s)

    def read(shown: Any) -> tuple[SearchResponse, ...]:
        answers = tuple(map(read_response, shown["answers"]))
        if len(answers) != len(questions):
            raise ValueError(f"{len(questions)} questions, {len(answers)} answers")
        return answers

    return Operation(write=write, read=read)


def describe_ask(question: CitedQuestion) -> Operation[CitedAnswer]:
    """Return the operation that asks for an answer with citations, with its search."""
    return Operation(
        write=lambda timeout_s: write_ask(question, timeout_s, is_streamed=False), read=read_cited_answer
    )


def write_ask(question: CitedQuestion, timeout_s: float, *, is_streamed: bool) -> Call:
    """Return what asks for an answer with citations, whole or as events."""
    return _post("/ask", {**question.show(), "explain": True, "stream": is_streamed}, timeout_s)


def describe_counts(request: FacetRequest, *, filter_text: str, snapshot: str) -> Operation[ValueCounts]:
    """Return the operation that counts a column's values; the server reads the filter."""

    def write(timeout_s: float) -> Call:
        body = {
            "column": request.column,
            "n": request.n,
            "as_of": show_time(request.as_of),
            "filter": filter_text or None,
            "snapshot": snapshot,
        }
        return _post("/facets", body, timeout_s)

    return Operation(write=write, read=read_counts)


def describe_document(request: DocumentRequest, *, snapshot: str) -> Operation[ShownDocument]:
    """Return the operation that shows a document; the server knows the caller."""

    def write(timeout_s: float) -> Call:
        given = {
            "doc_id": request.doc_id,
            "as_of": show_time(request.as_of),
            "snapshot": snapshot or None,
            "timeout_s": timeout_s,
        }
        query = urlencode({name: value for name, value in given.items() if value is not None})
        return Call(method="GET", path=f"/documents?{query}", body=b"", timeout_s=timeout_s)

    return Operation(write=write, read=read_document)


def describe_upsert(
    documents: Sequence[Mapping[str, Any]], *, wait_s: float | None = None
) -> Operation[Written]:
    """Return the operation that writes documents, all or none; the answer waits `wait_s` to find them."""
    written = read_mappings("documents", documents)
    headers, query = _make_key(), urlencode(_list_wait(wait_s))
    path = f"/documents?{query}" if query else "/documents"

    def write(timeout_s: float) -> Call:
        body = write_json({"documents": written})
        return Call(method="POST", path=path, body=body, timeout_s=timeout_s, headers=headers)

    return Operation(write=write, read=_read_written)


def describe_removal(doc_ids: Sequence[str], *, wait_s: float | None = None) -> Operation[Written]:
    """Return the operation that closes documents from now on; `wait_s` as of `describe_upsert`."""
    names = [("doc_id", doc_id) for doc_id in doc_ids]
    headers, query = _make_key(), urlencode([*names, *_list_wait(wait_s)])

    def write(timeout_s: float) -> Call:
        path = f"/documents?{query}"
        return Call(method="DELETE", path=path, body=b"", timeout_s=timeout_s, headers=headers)

    return Operation(write=write, read=_read_written)


def _post(path: str, body: dict[str, Any], timeout_s: float) -> Call:
    content = write_json({**body, "timeout_s": timeout_s})
    return Call(method="POST", path=path, body=content, timeout_s=timeout_s)


def _list_wait(wait_s: float | None) -> list[tuple[str, str]]:
    """Return the parameter that says how long the answer waits; none where the server decides."""
    if read_seconds("wait_s", wait_s) is None:
        return []
    return [("wait_s", f"{wait_s:g}")]


def _make_key() -> dict[str, str]:
    return {"idempotency-key": uuid.uuid4().hex}


def _read_written(shown: Any) -> Written:
    return Written(
        snapshot=shown["snapshot"],
        n_written=shown["written"],
        n_removed=shown["removed"],
        is_searchable=shown["is_searchable"],
    )
