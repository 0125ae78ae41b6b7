"""Where sentences begin, in financial English: `Inc.`, `U.S.`, `No. 4` and `3.5` end none.

Lines of figures, bullets and numbered items begin a new one too, so that text out of PDF files is cut
between its rows.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

_BREAK: Final = re.compile(
    r"""(?<![.!?\u2026])(?P<mark>[.!?\u2026]++)["'\u2019\u201d)\]\u00bb]*+\s++  # end of a sentence, and space
      | (?<![\u3002\uff01\uff1f])[\u3002\uff01\uff1f]++[\u201d\u300d\u300f\uff09]*+\s*+  # East Asian stops
      | \n[^\S\n]*+\n\s*+                                             # blank line
      | \n[ \t]*+(?=(?:[-*\u2022\u25cf\u25aa\u25e6\u2013]|\(?\d{1,3}[.)]|\([a-zA-Z]{1,4}\))[ \t])  # item
      | (?<=[\d)%\u2013\u2014-])[ \t]++[$\u20ac\u00a3(]*+[\d,.]*+(?<=\d)[)%]*+[ \t]*+\n\s*+  # line of figures
    """,
    re.VERBOSE,
)
"""Quantifiers are possessive, and a run of marks is tried at its first alone: time grows as the text does."""
_WORD: Final = re.compile(r"[A-Za-z]+")
_INITIALISM: Final = re.compile(r"(?:[a-z]\.)+[a-z]|[a-z]")
_WORD_REACH: Final = 24
_OPENING: Final = "([\"'\u201c\u2018"

_ABBREVIATIONS: Final = (
    "mr mrs ms dr prof rev hon gov sen rep gen col lt st messrs vs v cf e.g i.e viz approx ca fig figs "
    "sec secs art arts para paras ch vol pp ed eds no nos jan feb mar apr jun jul aug sep sept oct nov "
    "dec mio mln incl excl est dept"
)
_ENDING_ABBREVIATIONS: Final = (
    "inc corp ltd co cos plc llc llp bros mfg intl assn fed etc jr sr al reg regs bancorp cie n.v s.a "
    "a.g ag sa ph.d a.m p.m"
)
_COMMON_STARTERS: Final = (
    "a about according after all also although an and another as at based because before both but by "
    "certain during each for from had has he her his however i if in is it its many most no not of on one "
    "or other our over see several she since some such that the their there these they this those through "
    "thus to total under until upon we what when where whether which while who with within you"
)
_NEVER_LAST: Final = frozenset(_ABBREVIATIONS.split())
_SELDOM_LAST: Final = frozenset(_ENDING_ABBREVIATIONS.split())
_STARTERS: Final = frozenset(_COMMON_STARTERS.split())

_MIN_CHARACTERS: Final = 24
_MAX_CHARACTERS: Final = 300


def find_sentence_starts(text: str, *, start: int, end: int) -> list[int]:
    """Return the first character of each sentence in `text[start:end]`, in order.

    Args:
        text: the whole text.
        start: first character of the part, no white space.
        end: one past its last character; white space before it is no sentence.
    """
    starts = [start]
    end = start + len(text[start:end].rstrip())
    for match in _BREAK.finditer(text, start, end):
        if match.end() == end:
            break
        if match.lastgroup != "mark" or _is_end(text, match, start=starts[-1], stop=end):
            starts.append(match.end())
    return starts


def pick_sentence(text: str, number: int) -> str:
    """Return one of the sentences that are long enough for a question, cut where one is too long.

    Args:
        text: stripped of white space at its beginning; it is returned whole where no sentence is long enough.
        number: any whole number, at least 0; equal numbers pick equal sentences.
    """
    starts = [*find_sentence_starts(text, start=0, end=len(text)), len(text)]
    pieces = [text[start:end].strip() for start, end in pairwise(starts)]
    sentences = [piece for piece in pieces if len(piece) >= _MIN_CHARACTERS] or [text]
    return sentences[number % len(sentences)][:_MAX_CHARACTERS]


def _is_end(text: str, match: re.Match[str], *, start: int, stop: int) -> bool:
    at = match.start()
    if (
        match.group("mark").startswith("....")
        or text[match.end()] == "."
        or text[max(at - 2, 0) : at] == ". "
    ):
        return False  # dots that lead the eye to a figure
    follower = _WORD.search(text, match.end(), min(match.end() + _WORD_REACH, stop))
    is_on_new_line = "\n" in match.group()
    if text[match.end()].islower() and not (is_on_new_line and text[at - 1 : at].isspace()):
        return False
    if match.group("mark") != ".":
        return True
    word = _find_word_before(text, at, start=start)
    if word.isdigit() and at - len(word) == start:
        return False  # "1. Business": the number of an item
    if word in _NEVER_LAST:
        return word == "no" and not text[match.end()].isdigit()
    if word in _SELDOM_LAST or _INITIALISM.fullmatch(word):
        return follower is not None and follower.group().lower() in _STARTERS
    return True


def _find_word_before(text: str, at: int, *, start: int) -> str:
    """Return the word that ends at `at`, in lower case, without brackets and quotes before it."""
    begin = max(start, at - _WORD_REACH)
    piece = text[begin:at]
    return piece[_last_space(piece) + 1 :].lstrip(_OPENING).lower()


def _last_space(piece: str) -> int:
    return max(piece.rfind(" "), piece.rfind("\n"), piece.rfind("\t"), piece.rfind("\xa0"))
