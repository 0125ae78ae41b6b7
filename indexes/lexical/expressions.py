"""What a question asks for by words: terms, phrases in quotes, and beginnings of words with an asterisk.

Each is named by a string: a term by itself, a phrase by its terms in quotes, a beginning by itself and an
asterisk. Terms hold neither quotes nor asterisks, so the names cannot be taken for each other. A phrase's
words count by themselves, too, and so does a beginning that is a word: more than was asked is never less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Final

from eagleray.text_forms import normalise
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.characters import MARK, find_shape, fold_text
from indexes.lexical.compounds import MAX_TERM

GAP: Final = "?"
"""Stands in a phrase for a word too common to be a term; any word may stand there."""

MAX_EXPRESSIONS: Final = 32
"""Phrases and beginnings of a question that count, the first ones; the words of the others count as words."""

_QUOTED: Final = re.compile(r'["\u201c\u201e]([^"\u201c-\u201e]++)["\u201c\u201d]')
_STRETCH: Final = re.compile(rf'[^\s"\u201c-\u201e*]++(?P<asterisk>\*(?![\w{MARK}*]))?')
_WORD_START: Final = re.compile(rf"(?<![\w{MARK}*])\w")
_WORD_END: Final = re.compile(r"\w\Z")
_JOINERS: Final = str.maketrans("", "", "-,'.\u2019\u2010\u2011")


def find_query_terms(question: str) -> Counter[str]:
    """Return what a question asks for, each with the times it stands there."""
    terms = Counter(ENGLISH.find_terms(question))
    phrases = (name_phrase(match.group(1)) for match in _QUOTED.finditer(question))
    beginnings = (name_beginning(question[start:end]) for start, end in _find_beginnings(question))
    terms.update(islice(filter(None, chain(phrases, beginnings)), MAX_EXPRESSIONS))
    return terms


@lru_cache(maxsize=256)
def name_match(text: str) -> str:
    """Return the name of what rows must hold to match `text`: a term, a phrase or a beginning.

    Empty where there is no word to look for: every word is too common to be a term, or an asterisk stands
    elsewhere than at the end of a single word.
    """
    text = normalise(text).strip()
    for start, end in _find_beginnings(text):
        if start == 0 and end == len(text) - 1:
            return name_beginning(text[:end])
    terms = ENGLISH.find_terms(text)
    return "" if "*" in text or not terms else name_phrase(text) or terms[0]


def _find_beginnings(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each beginning stands that an asterisk ends: two characters of a word or more."""
    if "*" not in text:
        return
    shape = find_shape(text).text
    for stretch in _STRETCH.finditer(shape):
        if stretch["asterisk"] is None:
            continue
        end = stretch.end() - 1
        start = _WORD_START.search(shape, stretch.start(), end)
        held = "" if start is None else shape[start.start() : end].replace(MARK, "")
        if start is not None and len(held) > 1 and _WORD_END.search(held, len(held) - 1):
            yield start.start(), end


def name_phrase(text: str) -> str:
    """Return the name of the phrase that `text` is; empty where it has fewer than two terms."""
    words: dict[int, str] = {}
    for token in ENGLISH.find_tokens(text):
        words.setdefault(token.word, token.term)
    if len(words) < 2:
        return ""
    first, last = min(words), max(words)
    return '"' + " ".join(words.get(word, GAP) for word in range(first, last + 1)) + '"'


def name_beginning(text: str) -> str:
    """Return the name of the words that begin as `text` does; empty where nothing of it is searched."""
    folded = fold_text(text.translate(_JOINERS))[:MAX_TERM]
    return f"{folded}*" if folded else ""


def read_phrase(name: str) -> list[tuple[int, str]] | None:
    """Return a phrase's terms, each with its distance from the first, or `None` for another name."""
    if not name.startswith('"'):
        return None
    return [(place, term) for place, term in enumerate(name[1:-1].split(" ")) if term != GAP]


def read_beginning(name: str) -> str | None:
    """Return how the words of a name begin, or `None` for another name."""
    return name[:-1] if name.endswith("*") else None
