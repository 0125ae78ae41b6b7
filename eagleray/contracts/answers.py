"""Answers as JSON values: what the command line prints and HTTP returns, and how a client reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from eagleray.contracts.cited_answers import (
    AnswerNotice,
    Citation,
    CitedAnswer,
    CitedKind,
    NoticeKind,
    Statement,
    TokenUsage,
)
from eagleray.contracts.facets import ValueCounts, make_counts
from eagleray.contracts.hits import (
    Explanation,
    Highlight,
    Hit,
    PlanKind,
    RerankingExplanation,
    SearchResponse,
    SegmentExplanation,
    Snippet,
    Span,
)
from eagleray.contracts.shown_documents import ShownChunk, ShownDocument
from eagleray.contracts.times import OPEN_END, format_micros, parse_instant

_TIMES: Final = frozenset({"known_from", "known_to", "event_time"})
_LISTS: Final = frozenset({"groups", "header"})
_SCORES: Final = ("score", "dense", "lexical", "reranked", "relevance")
_PLAIN: Final = tuple(item.name for item in fields(Hit) if item.name not in ("highlights", "snippet"))
_OF_DOCUMENT: Final = tuple(item.name for item in fields(ShownDocument) if item.name != "chunks")
_OF_CHUNK: Final = tuple(item.name for item in fields(ShownChunk))
_OF_CITATION: Final = tuple(item.name for item in fields(Citation))


def show_response(response: SearchResponse, *, is_explained: bool) -> dict[str, Any]:
    """Return a response as JSON values, times in ISO 8601."""
    shown: dict[str, Any] = {
        "snapshot": response.explanation.snapshot,
        "relevant": response.relevant,
        "hits": [_show_hit(hit) for hit in response.hits],
    }
    if is_explained:
        shown["explanation"] = asdict(response.explanation)
    return shown


def _show_hit(hit: Hit) -> dict[str, Any]:
    shown = _show_row(hit, _PLAIN)
    shown["highlights"] = _show_spans(hit.highlights)
    shown["snippet"] = {
        "text": hit.snippet.text,
        "spans": _show_spans(hit.snippet.spans),
        "highlights": _show_spans(hit.snippet.highlights),
    }
    return shown


def _show_spans(spans: Sequence[Span]) -> list[dict[str, int]]:
    return [{"start": span.start, "end": span.end} for span in spans]


def read_response(shown: Mapping[str, Any]) -> SearchResponse:
    """Return the response that `show_response` has shown, explained; scores are the same to the bit.

    Args:
        shown: what JSON gives; `chunk_id` may be text. Members that are not known are passed over.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such answer.
        InvalidTimeError: a time in it is none.
    """
    return SearchResponse(
        hits=tuple(_read_hit(hit) for hit in shown["hits"]),
        explanation=_read_explanation(shown["explanation"]),
        relevant=shown.get("relevant"),
    )


def _read_hit(shown: Mapping[str, Any]) -> Hit:
    read = _read_row({"relevance": None, **shown}, _PLAIN)  # servers of before have no relevance
    read["chunk_id"] = int(read["chunk_id"])
    for name in _SCORES:
        read[name] = None if read[name] is None else float(read[name])
    highlights = _read_highlights(shown["highlights"])
    return Hit(**read, highlights=highlights, snippet=_read_snippet(shown.get("snippet")))


def _read_snippet(shown: Mapping[str, Any] | None) -> Snippet:
    """Return a snippet; an empty one of an answer without, as earlier versions gave it."""
    if shown is None:
        return Snippet()
    return Snippet(
        text=shown["text"],
        spans=tuple(Span(start=span["start"], end=span["end"]) for span in shown["spans"]),
        highlights=_read_highlights(shown["highlights"]),
    )


def _read_highlights(shown: Sequence[Mapping[str, int]]) -> tuple[Highlight, ...]:
    return tuple(Highlight(start=span["start"], end=span["end"]) for span in shown)


def show_counts(counts: ValueCounts) -> dict[str, Any]:
    """Return counts of values as JSON values."""
    return asdict(counts)


def read_counts(shown: Mapping[str, Any]) -> ValueCounts:
    """Return the counts that `show_counts` has shown.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: these are no counts.
    """
    return make_counts(shown["snapshot"], shown["values"])


def show_cited_answer(answer: CitedAnswer, *, is_explained: bool) -> dict[str, Any]:
    """Return an answer with citations as JSON values, times in ISO 8601; explained, with its search."""
    shown: dict[str, Any] = {
        "question": answer.question,
        "is_answered": answer.is_answered,
        "text": answer.text,
        "statements": [show_statement(item) for item in answer.statements],
        "citations": [show_citation(item) for item in answer.citations],
        "pipeline": answer.pipeline,
        "model": answer.model,
        "snapshot": answer.snapshot,
        "as_of": None if answer.as_of is None else format_micros(answer.as_of),
        "usage": asdict(answer.usage),
        "notices": [{"kind": str(item.kind), "text": item.text} for item in answer.notices],
    }
    if is_explained:
        shown["retrieved"] = show_response(answer.retrieved, is_explained=True)
    return shown


def show_statement(statement: Statement) -> dict[str, Any]:
    """Return a statement as JSON values."""
    return {"text": statement.text, "citations": list(statement.citations)}


def show_citation(citation: Citation) -> dict[str, Any]:
    """Return a citation as JSON values, times in ISO 8601."""
    return {**_show_row(citation, _OF_CITATION), "quotation": citation.quotation}


def read_cited_answer(shown: Mapping[str, Any]) -> CitedAnswer:
    """Return the answer that `show_cited_answer` has shown, explained.

    Args:
        shown: what JSON gives; a `chunk_id` may be text. Members that are not known are passed over.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such answer.
        InvalidTimeError: a time in it is none.
    """
    return CitedAnswer(
        question=shown["question"],
        statements=tuple(map(read_statement, shown["statements"])),
        citations=tuple(map(read_citation, shown["citations"])),
        pipeline=shown["pipeline"],
        model=shown["model"],
        snapshot=shown["snapshot"],
        as_of=None if shown["as_of"] is None else parse_instant(shown["as_of"]),
        retrieved=read_response(shown["retrieved"]),
        usage=TokenUsage(**_take(TokenUsage, shown["usage"])),
        notices=tuple(
            AnswerNotice(kind=NoticeKind(item["kind"]), text=item["text"]) for item in shown["notices"]
        ),
    )


def read_statement(shown: Mapping[str, Any]) -> Statement:
    """Return the statement that `show_statement` has shown."""
    return Statement(text=shown["text"], citations=tuple(shown["citations"]))


def read_citation(shown: Mapping[str, Any]) -> Citation:
    """Return the citation that `show_citation` has shown."""
    read = _read_row(shown, _OF_CITATION)
    return Citation(**{**read, "chunk_id": int(read["chunk_id"]), "kind": CitedKind(read["kind"])})


def show_document(document: ShownDocument) -> dict[str, Any]:
    """Return a document as JSON values, times in ISO 8601."""
    chunks = [{name: getattr(chunk, name) for name in _OF_CHUNK} for chunk in document.chunks]
    return {**_show_row(document, _OF_DOCUMENT), "chunks": chunks}


def read_document(shown: Mapping[str, Any]) -> ShownDocument:
    """Return the document that `show_document` has shown.

    Args:
        shown: what JSON gives; a `chunk_id` may be text. Members that are not known are passed over.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such document.
        InvalidTimeError: a time in it is none.
    """
    chunks = tuple(
        ShownChunk(**{**_take(ShownChunk, chunk), "chunk_id": int(chunk["chunk_id"])})
        for chunk in shown["chunks"]
    )
    return ShownDocument(**_read_row(shown, _OF_DOCUMENT), chunks=chunks)


def _show_row(row: Hit | ShownDocument | Citation, names: Sequence[str]) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in names}
    for name in _TIMES.intersection(names):
        if shown[name] is not None:
            shown[name] = format_micros(shown[name])
    return shown


def _read_row(shown: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    read = {name: shown[name] for name in names}
    for name in _TIMES.intersection(names):
        read[name] = None if read[name] is None else _read_micros(read[name])
    read |= {name: tuple(read[name]) for name in _LISTS.intersection(names)}
    read["attributes"] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in read["attributes"].items()
    }
    return read


def _read_micros(text: str) -> int:
    return OPEN_END if text == "open" else parse_instant(text)


def _read_explanation(shown: Mapping[str, Any]) -> Explanation:
    read = {item.name: shown[item.name] for item in fields(Explanation) if item.name in shown}
    read["segments"] = tuple(
        SegmentExplanation(**{**_take(SegmentExplanation, segment), "plan": PlanKind(segment["plan"])})
        for segment in read["segments"]
    )
    if read["reranking"] is not None:
        read["reranking"] = RerankingExplanation(**_take(RerankingExplanation, read["reranking"]))
    return Explanation(**read)


def _take(kind: Any, shown: Mapping[str, Any]) -> dict[str, Any]:
    return {item.name: shown[item.name] for item in fields(kind)}
