"""Text as a terminal may show it: no control character of a document, a file name or a caller gets there."""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters (C0, DEL, C1); some begin a terminal's commands
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # marks, overrides and isolates of direction; separators
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"  # halves of characters; marks that show nothing
)


def make_printable(text: str) -> str:
    r"""Return text on one line; what could steer a terminal is its escape: `\x1b`, `\n`, `\u202e`."""
    return _UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def escape_json(text: str) -> str:
    r"""Return JSON that means the same, without the characters `make_printable` escapes.

    Args:
        text: JSON on one line, so that they stand in strings alone.
    """
    return _UNSAFE.sub(_escape_in_json, text)


def _escape_in_json(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
