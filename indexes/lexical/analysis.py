"""English analysis: text to terms with spans, the same for rows and for queries.

Words are freed of case and accents and stemmed; names, codes and numbers stay whole. How one run of letters,
digits and joiners becomes terms lives in `compounds`, which characters make words in `characters`; here are
the scan and the cache.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from indexes.lexical.characters import APART, MARK, find_shape
from indexes.lexical.compounds import TokenRun, split_run

ANALYZER: Final = "english-2"
"""Name of these rules; an index keeps it, so that terms are never looked up under other rules."""

_MAX_CACHED_RUNS: Final = 200_000
_MAX_CACHED_CHARACTERS: Final = 64
"""Of a run that is kept: all of them together take about 150 MB."""

_RUN: Final = re.compile(
    r"\d{1,3}+(?:,\d{3}){1,16}+"  # 1,452.4 and 1,000bp
    r"(?:\.\d++[^\W\d_]{0,3}+(?![^\W_]|,\d)|[^\W\d_]{0,3}+(?![^\W_]|,\d))"
    r"|[^\W_]++(?:[-&/.'\u2019\u2010\u2011][^\W_]++)*+"
)
"""Linear: nothing is given back once it is taken, and a number has a bound of groups."""

_DIGIT: Final = rf"\d{MARK}*+"
_LETTER: Final = rf"[^\W\d_]{MARK}*+"
_UNIT: Final = rf"(?:(?!{APART}){_LETTER}(?:{_LETTER}){{0,2}}+)?+(?![^\W_{APART}]|,{MARK}*\d)"
_PART: Final = rf"(?=[^\W_])(?:{APART}{MARK}*+)?+(?:[^\W_{APART}]++{MARK}*+|(?<!\d){APART}{MARK}*+)*+"
_SHAPED_RUN: Final = re.compile(
    rf"(?:{_DIGIT}){{1,3}}+(?:,{MARK}*+(?:{_DIGIT}){{3}}){{1,16}}+"
    rf"(?:\.{MARK}*+(?:{_DIGIT})++{_UNIT}|{_UNIT})"
    rf"|{_PART}(?:[-&/.'\u2019\u2010\u2011]{MARK}*+{_PART})*+"
)
"""The same over shapes (`characters`), in which each character may have marks behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalToken:
    """A term and where it stands: `text[start:end]`.

    Attributes:
        surface: the word before stemming, folded.
        word: number of its word in the text, words too common to be terms counted.
    """

    term: str
    surface: str
    start: int
    end: int
    word: int


class Analyzer:
    """Turns text into terms; safe to share between threads.

    Runs repeat, so each distinct one is analysed once and kept, the longest ones apart.
    """

    def __init__(self) -> None:
        self._terms: dict[str, tuple[str, ...]] = {}
        self._runs: dict[str, TokenRun] = {}
        self._lock = threading.Lock()

    def find_terms(self, text: str) -> list[str]:
        """Return the terms of `text` in order, repeats included."""
        known = self._terms
        found: list[str] = []
        for run in self.find_runs(text):
            terms = known.get(run)
            if terms is None:
                terms = tuple(term.text for term in self.split(run).terms)
            found.extend(terms)
        return found

    def find_tokens(self, text: str) -> Iterator[LexicalToken]:
        """Yield the terms of `text` with their spans; terms of one compound may overlap."""
        words = 0
        for base, name in self.find_places(text):
            run = self.split(name)
            for term in run.terms:
                yield LexicalToken(
                    term=term.text,
                    surface=term.surface,
                    start=base + term.start,
                    end=base + term.end,
                    word=words + term.word,
                )
            words += run.n_words

    def find_runs(self, text: str) -> list[str]:
        """Return the runs of `text` in order; `split` makes terms of each."""
        shape = None if text.isascii() else find_shape(text)
        if shape is None or shape.is_plain:
            found: list[str] = _RUN.findall(text if shape is None else shape.text)
            return found
        return [text[match.start() : match.end()] for match in _SHAPED_RUN.finditer(shape.text)]

    def find_places(self, text: str) -> list[tuple[int, str]]:
        """Return where each run of `text` begins, and the run, in order."""
        shape = find_shape(text)
        if shape.is_plain:
            return [(match.start(), match.group()) for match in _RUN.finditer(shape.text)]
        found = _SHAPED_RUN.finditer(shape.text)
        return [(match.start(), text[match.start() : match.end()]) for match in found]

    def split(self, run: str) -> TokenRun:
        """Return the terms of one run."""
        found = self._runs.get(run)
        if found is None:
            with self._lock:
                found = split_run(run)
                if len(run) <= _MAX_CACHED_CHARACTERS:
                    self._keep(run, found)
        return found

    def _keep(self, run: str, found: TokenRun) -> None:
        if len(self._runs) >= _MAX_CACHED_RUNS:
            self._runs.clear()
            self._terms.clear()
        self._runs[run] = found
        self._terms[run] = tuple(term.text for term in found.terms)


ENGLISH: Final = Analyzer()
"""The analyzer every index and every query uses."""
