"""What a question asks for by words: terms, phrases in quotes, and beginnings of words with an asterisk.

Each is named by a string: a term by itself, a phrase by its terms in quotes, a beginning by itself and an
asterisk. Terms hold neither quotes nor asterisks, so the names cannot be taken for each other. A phrase's
words count by themselves, too, and so does a beginning that is a word: more than was asked is never less.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from indexes.lexical.analysis import ENGLISH
from indexes.lexical.compounds import fold_text

GAP: Final = "?"
"""Stands in a phrase for a word too common to be a term; any word may stand there."""

_QUOTED: Final = re.compile(r'["\u201c\u201e]([^"\u201c-\u201e]+)["\u201c\u201d]')
_BEGINNING: Final = re.compile(r"(?<![\w*])(\w[^\s\"\u201c-\u201e*]*\w)\*(?![\w*])")
_JOINERS: Final = str.maketrans("", "", "-,'.\u2019\u2010\u2011")


def find_query_terms(question: str) -> Counter[str]:
    """Return what a question asks for, each with the times it stands there."""
    terms = Counter(ENGLISH.find_terms(question))
    for match in _QUOTED.finditer(question):
        phrase = name_phrase(match.group(1))
        if phrase:
            terms[phrase] += 1
    for match in _BEGINNING.finditer(question):
        terms[name_beginning(match.group(1))] += 1
    return terms


def name_match(text: str) -> str:
    """Return the name of what rows must hold to match `text`: a term, a phrase or a beginning.

    Empty where there is no word to look for: every word is too common to be a term, or an asterisk stands
    elsewhere than at the end of a single word.
    """
    beginning = _BEGINNING.fullmatch(text.strip())
    if beginning:
        return name_beginning(beginning.group(1))
    terms = ENGLISH.find_terms(text)
    return "" if "*" in text or not terms else name_phrase(text) or terms[0]


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
    """Return the name of the words that begin as `text` does."""
    return fold_text(text.translate(_JOINERS)) + "*"


def read_phrase(name: str) -> list[tuple[int, str]] | None:
    """Return a phrase's terms, each with its distance from the first, or `None` for another name."""
    if not name.startswith('"'):
        return None
    return [(place, term) for place, term in enumerate(name[1:-1].split(" ")) if term != GAP]


def read_beginning(name: str) -> str | None:
    """Return how the words of a name begin, or `None` for another name."""
    return name[:-1] if name.endswith("*") else None
