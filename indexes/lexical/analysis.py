"""English analysis: text to terms with spans, the same for rows and for queries.

Words are lower-cased, freed of accents and stemmed; names, codes and numbers stay whole. How one
run of letters, digits and joiners becomes terms lives in `compounds`; here are the scan and the cache.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from indexes.lexical.compounds import Run, split_run

ANALYZER: Final = "english-1"
"""Name of these rules; an index keeps it, so that terms are never looked up under other rules."""

_MAX_CACHED_RUNS: Final = 1_000_000

_RUN: Final = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?[^\W\d_]{0,3}(?![^\W_]|,\d)"  # 1,452.4 and 1,000bp
    r"|[^\W_]+(?:[-&/.'\u2019\u2010\u2011][^\W_]+)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
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

    Runs repeat, so each distinct one is analysed once and kept.
    """

    def __init__(self) -> None:
        self._terms: dict[str, tuple[str, ...]] = {}
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def find_terms(self, text: str) -> list[str]:
        """Return the terms of `text` in order, repeats included."""
        known = self._terms
        found: list[str] = []
        for run in _RUN.findall(text):
            terms = known.get(run)
            if terms is None:
                terms = tuple(term.text for term in self.split(run).terms)
            found.extend(terms)
        return found

    def find_tokens(self, text: str) -> Iterator[Token]:
        """Yield the terms of `text` with their spans; terms of one compound may overlap."""
        words = 0
        for base, name in self.find_places(text):
            run = self.split(name)
            for term in run.terms:
                yield Token(
                    term=term.text,
                    surface=term.surface,
                    start=base + term.start,
                    end=base + term.end,
                    word=words + term.word,
                )
            words += run.n_words

    def find_runs(self, text: str) -> list[str]:
        """Return the runs of `text` in order; `split` makes terms of each."""
        found: list[str] = _RUN.findall(text)
        return found

    def find_places(self, text: str) -> list[tuple[int, str]]:
        """Return where each run of `text` begins, and the run, in order."""
        return [(match.start(), match.group()) for match in _RUN.finditer(text)]

    def split(self, run: str) -> Run:
        """Return the terms of one run."""
        found = self._runs.get(run)
        if found is None:
            with self._lock:
                if len(self._runs) >= _MAX_CACHED_RUNS:
                    self._runs.clear()
                    self._terms.clear()
                found = split_run(run)
                self._runs[run] = found
                self._terms[run] = tuple(term.text for term in found.terms)
        return found


ENGLISH: Final = Analyzer()
"""The analyzer every index and every query uses."""
