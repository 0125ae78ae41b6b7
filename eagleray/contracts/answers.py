"""Answers as JSON values: what the command line prints and HTTP returns."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, Final

from eagleray.contracts.hits import Hit, SearchResponse
from eagleray.contracts.times import format_micros

_TIMES: Final = frozenset({"known_from", "known_to", "event_time"})
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
