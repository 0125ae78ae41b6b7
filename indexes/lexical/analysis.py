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

from indexes.lexical.compounds import Term, split_run

ANALYZER: Final = "english-1"
"""Name of these rules; an index keeps it, so that terms are never looked up under other rules."""

_MAX_CACHED_RUNS: Final = 1_000_000

_RUN: Final = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?[^\W\d_]{0,3}(?![^\W_]|,\d)"  # 1,452.4 and 1,000bp
    r"|[^\W_]+(?:[-&/.'\u2019\u2010\u2011][^\W_]+)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A term and where it stands: `text[start:end]`."""

    term: str
    start: int
    end: int


class Analyzer:
    """Turns text into terms; safe to share between threads.

    Runs repeat, so each distinct one is analysed once and kept.
    """

    def __init__(self) -> None:
        self._terms: dict[str, tuple[str, ...]] = {}
        self._spans: dict[str, tuple[Term, ...]] = {}
        self._lock = threading.Lock()

    def find_terms(self, text: str) -> list[str]:
        """Return the terms of `text` in order, repeats included."""
        known = self._terms
        found: list[str] = []
        for run in _RUN.findall(text):
            terms = known.get(run)
            if terms is None:
                terms = tuple(term.text for term in self._split(run))
            found.extend(terms)
        return found

    def find_tokens(self, text: str) -> Iterator[Token]:
        """Yield the terms of `text` with their spans; terms of one compound may overlap."""
        for match in _RUN.finditer(text):
            base = match.start()
            for term in self._split(match.group()):
                yield Token(term=term.text, start=base + term.start, end=base + term.end)

    def _split(self, run: str) -> tuple[Term, ...]:
        spans = self._spans.get(run)
        if spans is None:
            with self._lock:
                if len(self._spans) >= _MAX_CACHED_RUNS:
                    self._spans.clear()
                    self._terms.clear()
                spans = split_run(run)
                self._spans[run] = spans
                self._terms[run] = tuple(term.text for term in spans)
        return spans


ENGLISH: Final = Analyzer()
"""The analyzer every index and every query uses."""
