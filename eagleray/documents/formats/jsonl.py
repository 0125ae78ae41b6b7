"""JSON Lines: one JSON object a line (RFC 8259), strict: no duplicate keys, no NaN, UTF-8 only.

A record's position is `byte N`, the offset of its line in the file, which does not depend on how
the file was cut into ranges: `tail -c +$((N + 1)) FILE | head -n 1` shows the line.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.reading import ReadRange, read_jsonl_range
from eagleray.documents.records import InputFile

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_jsonl_range(
    read_range: ReadRange, file: InputFile, *, start: int, end: int, size: int, max_record_bytes: int
) -> Iterator[RawRecord | DeadLetter]:
    """Yield the records of the lines that begin in `start` to `end` (exclusive); blank lines are none.

    Args:
        read_range: reads the file.
        file: where it is.
        start: first byte of the range.
        end: one past the last byte of the range.
        size: bytes of the whole file.
        max_record_bytes: a longer line becomes a dead letter.
    """
    lines = read_jsonl_range(read_range, start=start, end=end, size=size, max_record_bytes=max_record_bytes)
    for offset, line in lines:
        if line is None:
            detail = f"the line is longer than {max_record_bytes} bytes; split the record or raise the limit"
            yield file.reject(DeadLetterReason.RECORD_TOO_LARGE, detail, position=f"byte {offset}")
        else:
            content = line.removeprefix(codecs.BOM_UTF8) if offset == 0 else line
            if content.strip():
                yield parse_line(content, file, offset=offset)


def parse_line(line: bytes, file: InputFile, *, offset: int) -> RawRecord | DeadLetter:
    """Return the record of one line, or the dead letter that says what is wrong with it.

    Args:
        line: its bytes.
        file: where it was read.
        offset: of its first byte in the file.
    """
    position = f"byte {offset}"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"byte {offset + error.start} is not valid UTF-8: {error.reason}; convert the file to UTF-8"
        return file.reject(DeadLetterReason.INVALID_ENCODING, detail, position=position)
    try:
        return file.make_record(position, _read_object(text, line))
    except _StrictnessError as error:
        return file.reject(DeadLetterReason.INVALID_JSON, str(error), position=position)
    except MemoryError:
        detail = "it takes more memory than allowed (MemoryError); split the record or raise the limit"
        return file.reject(DeadLetterReason.LIMIT_EXCEEDED, detail, position=position)


def _read_object(text: str, line: bytes) -> dict[str, Any]:
    """Return the object of a line, or raise what says why it is none."""
    try:
        value = json.loads(text, object_pairs_hook=_make_object, parse_constant=_refuse_constant)
        if _SURROGATE.search(line):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _StrictnessError:
        raise
    except json.JSONDecodeError as error:
        detail = f"{error.msg}, character {error.pos} of the line; expected one JSON object a line"
        raise _StrictnessError(detail) from error
    except UnicodeEncodeError as error:
        detail = "an escape names half a character (a lone surrogate); expected Unicode text"
        raise _StrictnessError(detail) from error
    except ValueError as error:  # the only other one that Python's parser knows
        detail = "a whole number has more digits than can be read; write it as text"
        raise _StrictnessError(detail) from error
    except RecursionError as error:
        raise _StrictnessError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise _StrictnessError(f"expected a JSON object, found {_JSON_NAMES.get(type(value), 'null')}")
    return value


_JSON_NAMES: Final[dict[type, str]] = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


class _StrictnessError(ValueError):
    """A line is no JSON object, or what Python's parser would take, and JSON does not; says why."""


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _StrictnessError("an object names a key twice; every key may stand once")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise _StrictnessError(f"{name} is not a JSON value; write null")
