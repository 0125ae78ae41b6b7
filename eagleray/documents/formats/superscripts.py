"""Superscripts: marks of footnotes kept apart from what they stand at, powers and ordinals joined to it.

`1,234<sup>1</sup>` is the number 1,234 with a mark, never 12341: it reads `1,234 ¹`. `m<sup>2</sup>` is `m²`,
`10<sup>-6</sup>` is `10⁻⁶`, and `1<sup>st</sup>` is `1st`.
"""

from __future__ import annotations

import re
from typing import Any, Final

_RAISED: Final = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_INLINE: Final = frozenset(("span", "font", "small", "a", "b", "i"))
_RAISING: Final = re.compile(r"(?i)vertical-align\s*:\s*(?:super|text-top|top)")
_ENDINGS: Final = frozenset(
    ("st", "nd", "rd", "th", "er", "re", "ère", "ème", "eme", "tm", "sm", "r", "c", "®", "™", "©", "º", "ª")
)
_SIGNS: Final = re.compile(r"[0-9+\-\u2212]+")
_POWER: Final = re.compile(r"[-\u2212][0-9]+")
_MARK: Final = re.compile(r"[0-9a-zA-Z*†‡§¶#()\[\],; ]+")
_SYMBOL: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,2}[)\]]?\Z")
_REACH: Final = 4
_AFTER_NUMBER: Final = ")]%.,"
_MAX_MARK: Final = 12


def is_superscript(node: Any) -> bool:
    """Return whether an element of HTML raises its text: `<sup>`, or a style that says so."""
    if node.tag == "sup":
        return True
    css = node.get("style") if node.tag in _INLINE else None
    return css is not None and _RAISING.search(css) is not None


def write_superscript(pieces: list[str], begin: int) -> None:
    """Write the superscript that `pieces[begin:]` hold, in the place of them; a long one stays as it is.

    Args:
        pieces: the text so far, and then the superscript; changed in place.
        begin: number of the superscript's first piece.
    """
    if sum(map(len, pieces[begin : begin + _MAX_MARK])) > _MAX_MARK or len(pieces) > begin + _MAX_MARK:
        return
    content = "".join(pieces[begin:])
    mark = content.strip()
    if mark:
        pieces[begin:] = [_write_after(_read_end(pieces, begin), mark), content[len(content.rstrip()) :]]


def _read_end(pieces: list[str], stop: int) -> str:
    """Return the last characters in front of a piece."""
    return "".join(piece[-_REACH:] for piece in pieces[max(stop - 2 * _REACH, 0) : stop])[-_REACH:]


def _write_after(before: str, mark: str) -> str:
    is_number = before.rstrip(_AFTER_NUMBER)[-1:].isdigit()
    is_symbol = not is_number and _SYMBOL.search(before) is not None
    raised = mark.translate(_RAISED) if _SIGNS.fullmatch(mark) else mark
    if not before.strip():
        return f"{raised} "  # the mark in front of the footnote itself
    if mark.lower() in _ENDINGS or not _MARK.fullmatch(mark):
        return raised
    if is_symbol and (mark.isalpha() or raised != mark):
        return raised
    if _POWER.fullmatch(mark) or (mark.isalpha() and len(mark) > 1 and not is_number):
        return raised
    return f" {raised}"
