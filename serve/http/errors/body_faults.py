"""What is wrong with a body or parameter, by its place in what was sent, in one sentence a place.

pydantic tells of each alternative of a union by itself, and names the alternative in the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

_BODY: Final = "body"
_OF_TYPE: Final = ("_type", "_parsing", "_from_float", "none_required")
"""Ends of kinds of faults that say that a value is of another type altogether."""

_EXPECTED: Final = "Input should be "
_NULL: Final = _EXPECTED + "None"


def list_faults(error: RequestValidationError, *, most: int) -> list[tuple[str, str]]:
    """Return the place and the sentence of each fault, in the order they were found.

    Args:
        error: what pydantic found.
        most: of its faults that are looked at.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for fault in error.errors()[:most]:
        found.setdefault(_name_place(fault, error.body), []).append(fault)
    return [(place, _tell(faults)) for place, faults in found.items()]


def _name_place(fault: Mapping[str, Any], body: Any) -> str:
    """Return where in the request a fault is: its names and numbers, without those of alternatives."""
    where, *parts = fault["loc"]
    if where != _BODY:
        return ".".join(map(str, parts))
    held, place = body, []
    for number, part in enumerate(parts, start=1):
        is_there = (
            part in held if isinstance(held, Mapping) else isinstance(held, list) and part in range(len(held))
        )
        if is_there:
            held = held[part]
        elif number < len(parts) or fault["type"] != "missing":
            continue
        place.append(str(part))
    return ".".join(place) or _BODY


def _tell(faults: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence for all that is wrong at one place."""
    of_value = [fault for fault in faults if not fault["type"].endswith(_OF_TYPE)]
    told = dict.fromkeys(fault["msg"].removeprefix("Value error, ") for fault in of_value or faults)
    if len(told) > 1:
        told.pop(_NULL, None)  # null counts as not given
    sentences = list(told)
    if all(sentence.startswith(_EXPECTED) for sentence in sentences):
        *first, last = (sentence.removeprefix(_EXPECTED) for sentence in sentences)
        return _EXPECTED + (f"{', '.join(first)} or {last}" if first else last)
    return "; or ".join(sentences)
