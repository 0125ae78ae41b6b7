"""Attributes out of canonical JSON: each value keeps the type it was written with, whatever other rows hold.

    null → none · true, false → boolean · 3 → integer · 3.0 → number
    "2019-03-01", "2019-03-01T09:30:00Z" → time · other text → string · lists of text → strings

So the types of some rows are those that occur in them, and the types of a whole are the union of its parts'.
The columns that hold the values live in `attribute_columns`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from eagleray.contracts.documents import MAX_INTEGER, MIN_INTEGER, AttributeType, AttributeTypes
from eagleray.contracts.times import parse_instant
from eagleray.errors import InputError, InvalidTimeError

TypedValue = tuple[AttributeType, Any]
"""A type, and a value as its column holds it: times are microseconds."""

_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?", re.ASCII
)


def find_attribute_types(documents: Iterable[str], *, texts: Collection[str] = ()) -> AttributeTypes:
    """Return the types of every attribute that occurs; names and types sorted.

    Args:
        documents: canonical JSON objects, one a chunk or document.
        texts: attributes whose text is never a time, because somebody declared them strings.

    Raises:
        InputError: one of them is no JSON object, or holds a value that no attribute can have.
    """
    types: dict[str, set[AttributeType]] = {}
    last = ""
    for document in documents:
        if document == last:  # chunks of one document follow each other
            continue
        last = document
        for name, (kind, _) in read_typed_values(document, texts=texts).items():
            types.setdefault(name, set()).add(kind)
    return {name: tuple(sorted(types[name])) for name in sorted(types)}


def merge_attribute_types(
    first: Mapping[str, Collection[AttributeType]], second: Mapping[str, Collection[AttributeType]]
) -> AttributeTypes:
    """Return the types of both sets of rows together; names and types sorted."""
    return {
        name: tuple(sorted({*first.get(name, ()), *second.get(name, ())}))
        for name in sorted({*first, *second})
    }


def read_typed_values(document: str, *, texts: Collection[str] = ()) -> dict[str, TypedValue]:
    """Return the attributes of a row, nulls left out.

    Text is a time only where it is a whole ISO 8601 date, or date and time with an offset.

    Args:
        document: a canonical JSON object.
        texts: as in `find_attribute_types`.

    Raises:
        InputError: it is no JSON object, or holds a value that no attribute can have.
    """
    try:
        values = json.loads(document)
    except ValueError as error:
        raise InputError(detail=f"attributes must be a JSON object: {error}") from error
    if not isinstance(values, dict):
        raise InputError(detail=f"attributes must be a JSON object, found a {type(values).__name__}")
    return {
        name: _read_value(name, value, is_text=name in texts)
        for name, value in values.items()
        if value is not None
    }


def _read_value(name: str, value: Any, *, is_text: bool) -> TypedValue:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN, value
    if isinstance(value, str):
        micros = None if is_text else _parse_time(value)
        return (AttributeType.STRING, value) if micros is None else (AttributeType.TIME, micros)
    if isinstance(value, int) and MIN_INTEGER <= value <= MAX_INTEGER:
        return AttributeType.INTEGER, value
    if isinstance(value, float) and math.isfinite(value):
        return AttributeType.NUMBER, value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return AttributeType.STRINGS, value
    wanted = "a string, boolean, 64-bit integer, finite number or list of strings"
    raise InputError(detail=f"attribute {name!r}: expected {wanted}, found something else")


def _parse_time(text: str) -> int | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return parse_instant(text)
    except InvalidTimeError:
        return None
