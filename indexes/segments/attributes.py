"""Typed attribute columns out of canonical JSON: which type each has, and the cast.

The types of a whole are the merge of its parts' types, and merging is a join in this order, so any
split of the rows gives the same schema:

    integer < number ┐
             boolean ├ < string < strings
                time ┘

The row table these columns belong to lives in `rows`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.times import parse_instant
from eagleray.digests import canonical_json
from eagleray.errors import InputError, InvalidTimeError

_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?")
_MIN_INT64: Final = -(2**63)
_MAX_INT64: Final = 2**63 - 1

ARROW_TYPES: Final = {
    AttributeType.STRING: pa.string(),
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.TIME: pa.int64(),
    AttributeType.STRINGS: pa.list_(pa.string()),
}
"""Column type by attribute type; times are microseconds."""


def infer_attribute_types(documents: Iterable[str]) -> dict[str, AttributeType]:
    """Return the type of every attribute that occurs, sorted by name.

    Text is a time only where it is a whole ISO 8601 date, or date and time with an offset.

    Args:
        documents: canonical JSON objects, one a chunk or document.

    Raises:
        InputError: one of them is no JSON object.
    """
    types: dict[str, AttributeType] = {}
    last = ""
    for document in documents:
        if document == last:  # chunks of one document follow each other
            continue
        last = document
        for name, value in _parse_document(document).items():
            kind = _infer_type(value)
            if kind is not None:
                types[name] = _join(types.get(name, kind), kind)
    return dict(sorted(types.items()))


def merge_attribute_types(
    first: Mapping[str, AttributeType], second: Mapping[str, AttributeType]
) -> dict[str, AttributeType]:
    """Return the types of both sets of rows together, sorted by name."""
    merged = dict(first)
    for name, kind in second.items():
        merged[name] = _join(merged.get(name, kind), kind)
    return dict(sorted(merged.items()))


def cast_attributes(documents: Sequence[str], types: Mapping[str, AttributeType]) -> dict[str, pa.Array]:
    """Return one column an attribute, row `i` out of `documents[i]`; null where it is absent.

    Args:
        documents: canonical JSON objects.
        types: attribute name -> type; must cover every value.

    Raises:
        InputError: a document has an attribute without a type, or a value that does not fit it.
    """
    columns: dict[str, list[Any]] = {name: [None] * len(documents) for name in sorted(types)}
    last, values = "", dict[str, Any]()
    for row, document in enumerate(documents):
        if document != last:
            last, values = document, _cast_document(document, types)
        for name, value in values.items():
            columns[name][row] = value
    return {name: pa.array(values, ARROW_TYPES[types[name]]) for name, values in columns.items()}


def _cast_document(document: str, types: Mapping[str, AttributeType]) -> dict[str, Any]:
    cast = {}
    for name, value in _parse_document(document).items():
        kind = _infer_type(value)
        if kind is None:
            continue
        wanted = types.get(name)
        if wanted is None or _join(wanted, kind) != wanted:
            expected = wanted or "no such attribute"
            raise InputError(detail=f"attribute {name!r}: the schema says {expected}, a row holds a {kind}")
        cast[name] = _cast_value(value, wanted)
    return cast


def _parse_document(document: str) -> dict[str, Any]:
    try:
        values = json.loads(document)
    except ValueError as error:
        raise InputError(detail=f"attributes must be a JSON object: {error}") from error
    if not isinstance(values, dict):
        raise InputError(detail=f"attributes must be a JSON object, found a {type(values).__name__}")
    return values


def _infer_type(value: Any) -> AttributeType | None:
    """Return the least type that holds the value; `None` for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, int) and _MIN_INT64 <= value <= _MAX_INT64:
        return AttributeType.INTEGER
    if isinstance(value, float) and math.isfinite(value):
        return AttributeType.NUMBER
    if isinstance(value, list):
        return AttributeType.STRINGS
    if isinstance(value, str) and _TIME.fullmatch(value) and _parse_time(value) is not None:
        return AttributeType.TIME
    return AttributeType.STRING


def _join(first: AttributeType, second: AttributeType) -> AttributeType:
    """Return the least type that holds the values of both."""
    if first == second:
        return first
    pair = {first, second}
    if AttributeType.STRINGS in pair:
        return AttributeType.STRINGS
    if pair == {AttributeType.INTEGER, AttributeType.NUMBER}:
        return AttributeType.NUMBER
    return AttributeType.STRING


def _cast_value(value: Any, kind: AttributeType) -> Any:
    if kind is AttributeType.STRINGS:
        return [_to_text(item) for item in value] if isinstance(value, list) else [_to_text(value)]
    if kind is AttributeType.STRING:
        return _to_text(value)
    if kind is AttributeType.NUMBER:
        return float(value)
    return _parse_time(value) if kind is AttributeType.TIME else value


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


def _parse_time(text: str) -> int | None:
    try:
        return parse_instant(text)
    except InvalidTimeError:
        return None
