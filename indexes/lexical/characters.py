"""Which characters make words, and what a run of them is without what nobody searches for.

| characters | what becomes of them |
|---|---|
| combining marks, accents | belong to the character before them, and are left out |
| vowel signs of Devanagari, Thai and the like | belong to the character before them, and stay |
| invisible ones: soft hyphens, zero width, marks of direction | left out, wherever they stand |
| ligatures, full width, circled, subscripts | as the characters they stand for (NFKD): `ﬁ` is `fi` |
| superscript digits | no part of a word: `1,234¹` is `1,234` and a footnote |
| circled numbers, fractions, superscript letters | apart from a digit before them: `5½` is `5`, `1/2` |

Texts that are canonically equal have the same words, because each rule looks at what a character decomposes
to. A text is scanned by its *shape*: as long as the text, with one character in the place of each of a kind.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from eagleray.text_forms import INVISIBLE

MARK: Final = "\u0300"
"""Stands in a shape for what belongs to the character before it."""

APART: Final = "\u2460"
"""Stands in a shape for a letter or number that does not continue a number."""

_NOTE: Final = "\u2021"
"""Stands in a shape for a superscript digit: no part of a word."""

_JOINERS: Final = frozenset("-&/.',")
_PLAINER: Final = {"\u2010": "-", "\u2011": "-", "\u2019": "'", "\u2044": "/"}
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]")
_WITHIN: Final = re.compile(rf"{APART}|{MARK}(?<=[-\w&/.,'\u2019\u2010\u2011]{MARK})")
_FOLLOWING_JAMO: Final = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")
"""Vowels and finals of a Korean syllable, which is one character in its composed form."""

_MAX_KNOWN: Final = 1 << 14
"""Characters whose kind is kept; of the others it is found again."""


_MANY: Final = 8
"""Distinct characters, from which on one pass over a text is quicker than one for each."""


class Shape(NamedTuple):
    """What a text is scanned by; as long as the text.

    Attributes:
        is_plain: whether there are no marks within words, and nothing that stands apart.
    """

    text: str
    is_plain: bool


class Simple(NamedTuple):
    """A run of a text without what nobody searches for; its case stays.

    Attributes:
        starts: for each character of `text`, that of the run it comes from; `None` where they are the same.
    """

    text: str
    starts: tuple[int, ...] | None


class _Shapes(dict[int, str]):
    """Kinds of characters by code point, found when they are first asked for."""

    def __missing__(self, point: int) -> str:
        shape = _find_shape(chr(point))
        if len(self) < _MAX_KNOWN:
            self[point] = shape
        return shape


_shapes: Final = _Shapes()
_usual: Final[set[str]] = set()


def find_shape(text: str) -> Shape:
    """Return the shape of a text; one of ASCII is its own."""
    found = _NON_ASCII.findall(text)
    if _usual.issuperset(found):
        return Shape(text, is_plain=True)
    unusual = {character for character in set(found) - _usual if not _is_usual(character)}
    if len(unusual) > _MANY:
        shape = text.translate(_shapes)
    else:
        shape = text
        for character in unusual:
            shape = shape.replace(character, _shapes[ord(character)])
    return Shape(shape, is_plain=_WITHIN.search(shape) is None)


def simplify(run: str) -> Simple:
    """Return a run, or any text, without marks and invisible characters, compatible characters made one."""
    if run.isascii():
        return Simple(run, None)
    kept, starts = [], []
    for place, character in enumerate(run):
        simple = character if character.isascii() else _simplify_character(character)
        kept.append(simple)
        starts.extend([place] * len(simple))
    is_same = len(starts) == len(run) and starts == list(range(len(run)))
    return Simple("".join(kept), None if is_same else tuple(starts))


def fold_text(text: str) -> str:
    """Return a text as its terms are compared: simplified, and without case."""
    return text.lower() if text.isascii() else simplify(text).text.casefold()


@lru_cache(maxsize=_MAX_KNOWN)
def _simplify_character(character: str) -> str:
    if _INVISIBLE.match(character):
        return ""
    parts = unicodedata.normalize("NFKD", character)
    if " " in parts:  # it stands for several words, up to four
        parts = unicodedata.normalize("NFD", character)
    return "".join(_PLAINER.get(part, part) for part in parts if not _is_left_out(part))


def _is_left_out(character: str) -> bool:
    is_mark = unicodedata.combining(character) != 0 or unicodedata.category(character) == "Me"
    return is_mark or _INVISIBLE.match(character) is not None


def _is_usual(character: str) -> bool:
    """Return whether a character is its own shape, and no mark; remembers it where it is."""
    is_usual = _find_shape(character) == character and character not in (MARK, APART)
    if is_usual and len(_usual) < _MAX_KNOWN:
        _usual.add(character)
    return is_usual


def _find_shape(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "M" or _FOLLOWING_JAMO.match(character) or _INVISIBLE.match(character):
        return MARK
    kind, _, _ = unicodedata.decomposition(character).partition(" ")
    if character.isalnum() and (kind in ("<super>", "<sub>") or category == "No"):
        return _NOTE if kind == "<super>" and character.isdigit() else APART
    simple = unicodedata.normalize("NFKD", character)
    return simple if simple in _JOINERS else character
