"""Whether a body is JSON that every reader takes the same way, told before anything is made of it.

What is refused is what parsers disagree about, or what would become many times as much in memory: encodings
other than UTF-8, `NaN` and `Infinity`, numbers of more than 64 bits or beyond the greatest float, halves of a
surrogate pair, more than some 200 levels of nesting, and more objects, arrays or strings than a request
needs. Of a key that comes twice, the last value counts.

Source: RFC 8259 (JSON), sections 6 to 9; RFC 7493 (I-JSON), section 2.
"""

from __future__ import annotations

import codecs
import math
import re
from typing import Any, Final

from pydantic_core import from_json

from eagleray.contracts.documents import MAX_INTEGER, MIN_INTEGER

MAX_CONTAINERS: Final = 100_000
"""Objects and arrays of one body."""

MAX_STRINGS: Final = 400_000
"""Strings of one body, keys included."""

MAX_VALUES: Final = 400_000
"""Values of one body, numbers included. Source: OpenAI's API reference: 300,000 token ids at once."""

_SMALL_BYTES: Final = 64 << 10
"""A body of no more cannot hold enough values to matter."""

_GREAT_NUMBER: Final = re.compile(rb"[0-9]{19}|[eE][+-]?[0-9]{3}")
"""What a number of more than 64 bits, or beyond the greatest float, cannot do without."""


class JsonError(Exception):
    """A body is no JSON, or none that is taken here; says why in one sentence."""


def check_json(body: bytes) -> bytes:
    """Return a body without the byte-order mark that it may begin with, once it is found to be plain.

    Raises:
        JsonError: it is not.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    if len(body) > _SMALL_BYTES:
        _check_counts(body)
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        raise JsonError(f"expected JSON in UTF-8: {error}") from None
    if _GREAT_NUMBER.search(body):
        _check_numbers(value)
    return body


def _check_counts(body: bytes) -> None:
    """Count what is outside of strings, without making values of it."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    n_strings = bare.count(b'"') // 2
    if n_strings > MAX_STRINGS:
        raise JsonError(f"expected at most {MAX_STRINGS} strings, found {n_strings}")
    if bare.count(b"[") + bare.count(b"{") <= MAX_CONTAINERS and bare.count(b",") <= MAX_VALUES:
        return
    outside = b"".join(bare.split(b'"')[::2])
    n_containers = outside.count(b"[") + outside.count(b"{")
    if n_containers > MAX_CONTAINERS:
        raise JsonError(f"expected at most {MAX_CONTAINERS} objects and arrays, found {n_containers}")
    n_values = outside.count(b",")
    if n_values > MAX_VALUES:
        raise JsonError(f"expected at most {MAX_VALUES} values, found {n_values}")


def _check_numbers(value: Any) -> None:
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
        elif isinstance(item, float) and not math.isfinite(item):
            raise JsonError("a number is greater than a float can be")
        elif type(item) is int and not MIN_INTEGER <= item <= MAX_INTEGER:
            raise JsonError("a whole number has more than 64 bits")
