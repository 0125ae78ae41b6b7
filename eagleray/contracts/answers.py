"""Answers as JSON values: what the command line prints and HTTP returns, and how a client reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from eagleray.contracts.hits import (
    Explanation,
    Highlight,
    Hit,
    PlanKind,
    RerankingExplanation,
    SearchResponse,
    SegmentExplanation,
)
from eagleray.contracts.times import OPEN_END, format_micros, parse_instant

_TIMES: Final = frozenset({"known_from", "known_to", "event_time"})
_SCORES: Final = ("score", "dense", "lexical", "reranked")
_PLAIN: Final = tuple(item.name for item in fields(Hit) if item.name != "highlights")


def show_response(response: SearchResponse, *, is_explained: bool) -> dict[str, Any]:
    """Return a response as JSON values, times in ISO 8601."""
    shown: dict[str, Any] = {
        "snapshot": response.explanation.snapshot,
        "hits": [_show_hit(hit) for hit in response.hits],
    }
    if is_explained:
        shown["explanation"] = asdict(response.explanation)
    return shown


def _show_hit(hit: Hit) -> dict[str, Any]:
    shown = {name: getattr(hit, name) for name in _PLAIN}
    for name in _TIMES:
        if shown[name] is not None:
            shown[name] = format_micros(shown[name])
    shown["highlights"] = [{"start": span.start, "end": span.end} for span in hit.highlights]
    return shown


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
    )


def _read_hit(shown: Mapping[str, Any]) -> Hit:
    read = {name: shown[name] for name in _PLAIN}
    read["chunk_id"] = int(read["chunk_id"])
    for name in _TIMES:
        read[name] = None if read[name] is None else _read_micros(read[name])
    for name in _SCORES:
        read[name] = None if read[name] is None else float(read[name])
    read["groups"] = tuple(read["groups"])
    read["attributes"] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in read["attributes"].items()
    }
    spans = tuple(Highlight(start=span["start"], end=span["end"]) for span in shown["highlights"])
    return Hit(**read, highlights=spans)


def _read_micros(text: str) -> int:
    return OPEN_END if text == "open" else parse_instant(text)


def _read_explanation(shown: Mapping[str, Any]) -> Explanation:
    read = {item.name: shown[item.name] for item in fields(Explanation)}
    read["segments"] = tuple(
        SegmentExplanation(**{**_take(SegmentExplanation, segment), "plan": PlanKind(segment["plan"])})
        for segment in read["segments"]
    )
    if read["reranking"] is not None:
        read["reranking"] = RerankingExplanation(**_take(RerankingExplanation, read["reranking"]))
    return Explanation(**read)


def _take(kind: Any, shown: Mapping[str, Any]) -> dict[str, Any]:
    return {item.name: shown[item.name] for item in fields(kind)}
