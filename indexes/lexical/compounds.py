"""How one run of letters, digits and joiners becomes terms.

| run | terms | why |
|---|---|---|
| `1,452.4` | `1452.4` | a number is one term, without thousands separators |
| `10-K`, `S-1` | `10k`, `s1` | forms are named with and without the hyphen |
| `U.S.`, `US` | `us` | never taken for the pronoun |
| `S&P`, `R&D` | `s&p`, `r&d` | whole |
| `BRK.B` | `brk`, `brk.b` | share classes |
| `Q3`, `2019A`, `US0378331005` | `q3`, `2019a`, `us0378331005` | codes are never stemmed |
| `ADS` | `ad`, `ads` | a word in capitals may be a ticker: its stem and itself |
| `cost-plus` | `cost`, `plus`, `costplus` | parts, and the word written in one |
| `Shari'a`, `company's` | `sharia`, `compani` | apostrophes vanish, the possessive too |

The scan for runs lives in `analysis`; what is left out of a run before these rules apply, in `characters`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import Stemmer

from indexes.lexical.characters import simplify

STOP_WORDS: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
        "us",
    ]
)
"""Words too common to tell rows apart, and the pronoun `us`.

Source: Lucene's `EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`.
"""

_NUMBER: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?[^\d\s]*|\d+(?:\.\d+)*")
_FORM: Final = re.compile(r"\d{1,2}-[^\W\d_]{1,2}|[^\W\d_]{1,2}-\d{1,3}")
_INITIALS: Final = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")
_SHARE_CLASS: Final = re.compile(r"[A-Z]{1,5}\.[A-Z]")
_WORD: Final = re.compile(r"[^-/.,()\s]+")
_HALVES: Final = frozenset("./,() ")
"""Between words that are not written in one as well."""

_MAX_TICKER: Final = 5

MAX_TERM: Final = 255
"""Characters of a term; what is longer counts by its beginning.

Source: Lucene's `StandardAnalyzer.DEFAULT_MAX_TOKEN_LENGTH`.
"""

_stemmer: Final = Stemmer.Stemmer("english", 0)


class Term(NamedTuple):
    """A term and where it stands in its run: `run[start:end]`.

    Attributes:
        word: number of its word in the run; that of the first for a compound written in one.
        surface: the word as it was before stemming, folded; by it prefixes are found.
    """

    text: str
    start: int
    end: int
    word: int
    surface: str


class TokenRun(NamedTuple):
    """The terms of one run, and how many words it has, those too common to be terms included."""

    terms: tuple[Term, ...]
    n_words: int


def split_run(run: str) -> TokenRun:
    """Return the terms of one run; not safe to call from two threads at once."""
    simple, starts = simplify(run)
    terms, n_words = _split_simple(simple)
    if len(simple) > MAX_TERM:
        terms = tuple(
            term._replace(text=term.text[:MAX_TERM], surface=term.surface[:MAX_TERM]) for term in terms
        )
    return TokenRun(terms if starts is None else _place(terms, starts, len(run)), n_words)


def _split_simple(plain: str) -> TokenRun:
    if _NUMBER.fullmatch(plain) or _FORM.fullmatch(plain):
        return _take_whole(plain.replace(",", "").replace("-", "").casefold(), len(plain))
    if _INITIALS.fullmatch(plain) and not _SHARE_CLASS.fullmatch(plain):
        return _take_whole(plain.replace(".", "").casefold(), len(plain))
    words = [(match.group(), match.start()) for match in _WORD.finditer(plain)]
    terms = [
        Term(text, start, start + len(word), number, surface)
        for number, (word, start) in enumerate(words)
        for text, surface in _find_word_terms(word)
    ]
    whole = _join_words(plain, [word for word, _ in words])
    if whole:
        terms.append(Term(whole[0], 0, len(plain), 0, whole[1]))
    return TokenRun(tuple(terms), len(words))


def _place(terms: Iterable[Term], starts: Sequence[int], length: int) -> tuple[Term, ...]:
    """Return terms of a simplified run where they stand in the run itself, marks behind them included."""
    ends = [length] * len(starts)
    for place in range(len(starts) - 2, -1, -1):
        following = starts[place + 1]
        ends[place] = following if following > starts[place] else ends[place + 1]
    return tuple(term._replace(start=starts[term.start], end=ends[term.end - 1]) for term in terms)


def _take_whole(text: str, length: int) -> TokenRun:
    return TokenRun((Term(text, 0, length, 0, text),), 1)


def _find_word_terms(word: str) -> tuple[tuple[str, str], ...]:
    """Return the terms of a word without hyphens, dots and slashes, none to two, each with its surface."""
    if word == "US":
        return (("us", "us"),)
    bare = word[:-2] if word[-2:] in ("'s", "'S") else word
    folded = bare.replace("'", "").casefold()
    if folded in STOP_WORDS or not folded:
        return ()
    if "&" in folded or any(character.isdigit() for character in folded):
        return ((folded, folded),)
    stem = _stemmer.stemWord(folded)
    if stem != folded and bare.isupper() and len(bare) <= _MAX_TICKER:
        return ((stem, folded), (folded, folded))
    return ((stem, folded),)


def _join_words(plain: str, words: list[str]) -> tuple[str, str] | None:
    """Return the compound written in one and its surface; `None` where only the parts mean something."""
    if _SHARE_CLASS.fullmatch(plain):
        return plain.casefold(), plain.casefold()
    if len(words) < 2 or not _HALVES.isdisjoint(plain) or any(word.isdigit() for word in words):
        return None
    folded = plain.replace("-", "").replace("'", "").casefold()
    return str(_stemmer.stemWord(folded)), folded
