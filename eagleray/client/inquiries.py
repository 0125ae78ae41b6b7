"""What a server is asked, each kind with its path, its body and how its answer is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from eagleray.client.choices import Moment, choose_granularity, choose_mode, read_time
from eagleray.client.exchange import Call, Inquiry
from eagleray.client.questions import Question, show_question, show_time, write_json
from eagleray.contracts.answers import read_counts, read_document, read_response
from eagleray.contracts.facets import ValueCounts
from eagleray.contracts.hits import FacetRequest, Ranking, SearchResponse
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument

_PLAIN: Final = Ranking()


def make_question(
    *,
    query: str = "",
    like: str = "",
    k: int,
    mode: str,
    as_of: Moment | None,
    where: str,
    chunks: bool = False,
    ranking: Ranking = _PLAIN,
    rerank: int = 0,
    snapshot: str,
) -> Question:
    """Return the question that a search's arguments make; they are those of `LocalCollection.search`.

    Raises:
        QueryError: there is no such mode.
        InvalidTimeError: `as_of` names no instant.
    """
    return Question(
        query=query,
        like=like,
        k=k,
        mode=choose_mode(mode),
        as_of=read_time(as_of),
        where=where,
        granularity=choose_granularity(chunks),
        ranking=ranking,
        rerank=rerank,
        snapshot=snapshot,
    )


def inquire_search(question: Question) -> Inquiry[SearchResponse]:
    """Return the inquiry of one question; its explanation is asked for, too."""

    def write(timeout_s: float) -> Call:
        body = {**show_question(question), "snapshot": question.snapshot, "explain": True}
        return _post("/search", body, timeout_s)

    return Inquiry(write=write, read=read_response)


def inquire_batch(questions: Sequence[Question], *, snapshot: str) -> Inquiry[tuple[SearchResponse, ...]]:
    """Return the inquiry of many questions to one snapshot, whatever snapshots they name."""

    def write(timeout_s: float) -> Call:
        shown = [show_question(question) for question in questions]
        return _post("/search/batch", {"questions": shown, "snapshot": snapshot, "explain": True}, timeout_s)

    def read(shown: Any) -> tuple[SearchResponse, ...]:
        answers = tuple(map(read_response, shown["answers"]))
        if len(answers) != len(questions):
            raise ValueError(f"{len(questions)} questions, {len(answers)} answers")
        return answers

    return Inquiry(write=write, read=read)


def inquire_counts(request: FacetRequest, *, where: str, snapshot: str) -> Inquiry[ValueCounts]:
    """Return the inquiry of a column's values; the server reads the filter, and knows the caller."""

    def write(timeout_s: float) -> Call:
        body = {
            "column": request.column,
            "n": request.n,
            "as_of": show_time(request.as_of),
            "filter": where or None,
            "snapshot": snapshot,
        }
        return _post("/facets", body, timeout_s)

    return Inquiry(write=write, read=read_counts)


def inquire_document(request: DocumentRequest, *, snapshot: str) -> Inquiry[ShownDocument]:
    """Return the inquiry of a document; the server knows the caller."""

    def write(timeout_s: float) -> Call:
        given = {
            "doc_id": request.doc_id,
            "as_of": show_time(request.as_of),
            "snapshot": snapshot or None,
            "timeout_s": timeout_s,
        }
        query = urlencode({name: value for name, value in given.items() if value is not None})
        return Call(method="GET", path=f"/documents?{query}", body=b"", timeout_s=timeout_s)

    return Inquiry(write=write, read=read_document)


def _post(path: str, body: dict[str, Any], timeout_s: float) -> Call:
    content = write_json({**body, "timeout_s": timeout_s})
    return Call(method="POST", path=path, body=content, timeout_s=timeout_s)
