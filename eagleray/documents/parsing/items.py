"""Records and dead letters as JSON, and back again from a process that is not trusted.

JSON has no dates, exact decimals and bytes: such values travel as text, with the path that leads to each of
them beside the fields, so that no field of a document can be taken for one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Element, ElementKind
from eagleray.contracts.sources import RawRecord
from eagleray.documents.records import InputFile

MAX_DEPTH: Final = 200
"""Levels that the values of a record may be nested."""

_MAX_DETAIL: Final = 1_000
_MAX_POSITION: Final = 100
_MOST_PIECES: Final = 1 << 53
_KINDS: Final = tuple(ElementKind)
_ELEMENT_FIELDS: Final = 5
_READERS: Final[dict[str, Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "bytes": str.encode,
}
_Path = list[str | int]


def encode_item(item: RawRecord | DeadLetter) -> bytes:
    """Return an item as JSON.

    Raises:
        TypeError: a record holds a value that no file can hold.
        RecursionError: its values are nested deeper than `MAX_DEPTH`.
    """
    if isinstance(item, DeadLetter):
        return _write([0, item.position, str(item.reason), item.detail, item.doc_id, item.n])
    elements = [
        number
        for element in item.elements
        for number in (
            _KINDS.index(element.kind),
            element.start,
            element.end,
            element.level,
            0 if element.page is None else element.page,
        )
    ]
    try:
        data = _write([1, item.position, item.fields, elements, []])
    except TypeError:
        typed: list[tuple[_Path, str, str]] = []
        data = _write([1, item.position, _take_out(item.fields, [], typed), elements, typed])
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _measure_depth(item.fields) > MAX_DEPTH:
        raise RecursionError
    return data


def decode_items(data: bytes, file: InputFile) -> Iterator[RawRecord | DeadLetter]:
    """Yield the items of an array that `encode_item` made the parts of.

    Raises:
        ValueError: it is something else; what was yielded before stands.
    """
    try:
        values = json.loads(data)
        for value in values:
            yield _decode_record(value, file) if value[0] else _decode_letter(value, file)
    except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__} where records were expected") from error


def _decode_letter(value: list[Any], file: InputFile) -> DeadLetter:
    _, position, reason, detail, doc_id, n = value
    if type(n) is not int or not 0 < n <= _MOST_PIECES:
        raise ValueError("a dead letter stands for no number of pieces")
    return DeadLetter(
        source=file.source,
        position=_read_label(position, _MAX_POSITION),
        reason=DeadLetterReason(reason),
        detail=_read_label(detail, _MAX_DETAIL),
        doc_id=_read_label(doc_id, _MAX_DETAIL),
        n=n,
    )


def _decode_record(value: list[Any], file: InputFile) -> RawRecord:
    _, position, fields, numbers, typed = value
    if not isinstance(fields, dict) or len(numbers) % _ELEMENT_FIELDS:
        raise ValueError("the fields of a record are no object")
    for path, kind, text in typed:
        _put_back(fields, path, _READERS[kind](text))
    elements = tuple(_read_elements(numbers, len(fields["text"]) if numbers else 0))
    return file.make_record(_read_label(position, _MAX_POSITION), fields, elements=elements)


def _read_elements(numbers: list[int], n_characters: int) -> Iterator[Element]:
    if not all(type(number) is int for number in numbers):
        raise ValueError("an element's place is no number")
    for kind, start, end, level, page in zip(*[iter(numbers)] * _ELEMENT_FIELDS, strict=True):
        if not (0 <= start <= end <= n_characters and kind >= 0 and 0 <= level < 256 and page >= 0):
            raise ValueError("an element lies outside its text")
        yield Element(kind=_KINDS[kind], start=start, end=end, level=level, page=page or None)


def _read_label(value: Any, length: int) -> str:
    """Return a text that goes into reports: short, and of characters that can be written."""
    if not isinstance(value, str):
        raise ValueError("a label is no text")
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in value[:length]
    )


def _take_out(value: Any, path: _Path, typed: list[tuple[_Path, str, str]]) -> Any:
    """Return a value without what JSON cannot hold, which is noted in `typed`."""
    if len(path) > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _take_out(item, [*path, key], typed) for key, item in value.items()}
    if isinstance(value, list):
        return [_take_out(item, [*path, place], typed) for place, item in enumerate(value)]
    if isinstance(value, date):  # a datetime is one
        kind = "datetime" if isinstance(value, datetime) else "date"
        typed.append((path, kind, value.isoformat()))
        return None
    if isinstance(value, Decimal):
        typed.append((path, "decimal", str(value)))
        return None
    if isinstance(value, bytes):  # what they hold is read by nobody
        typed.append((path, "bytes", ""))
        return None
    return value


def _put_back(fields: Any, path: _Path, value: Any) -> None:
    *way, last = path
    for step in way:
        fields = fields[step]
    fields[last] = value


def _measure_depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [part for items in inner for part in items if isinstance(part, dict | list)]
        depth += 1
    return depth


def _write(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), check_circular=False)
    return text.encode("utf-8", "surrogatepass")
