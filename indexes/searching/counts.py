"""What BM25 must know of the rows a question may find, counted once for all questions about these rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eagleray.contracts.indexes import TextField
from indexes.lexical.bm25 import Statistics, count_frequencies, sum_lengths
from indexes.segments.view import SegmentView
from indexes.selections import Selection

_MAX_COUNTED: Final = 10_000
_MAX_NAME: Final = 256
"""Characters of a term or phrase that is kept; a longer one is counted anew."""


class Counts:
    """Lengths and document frequencies among the selected rows of a segment, field by field; thread-safe."""

    def __init__(self, view: SegmentView, selection: Selection) -> None:
        self._view, self._selection = view, selection
        self._lengths: dict[TextField, int] = {}
        self._frequencies: dict[tuple[TextField, str], int] = {}

    def find(self, field: TextField, terms: Iterable[str]) -> Statistics:
        """Return BM25's statistics of one field for some terms.

        Args:
            field: where they are looked for.
            terms: terms, phrases or beginnings, as `indexes.lexical.expressions` names them.
        """
        counted = self._frequencies
        found = {term: counted.get((field, term)) for term in terms}
        unknown = [term for term, frequency in found.items() if frequency is None]
        fresh: dict[str, int] = {}
        if unknown:
            fresh = count_frequencies(self._view.postings[field], unknown, self._selection)
            if len(counted) > _MAX_COUNTED:
                counted.clear()  # other threads hold what they read
            kept = ((term, frequency) for term, frequency in fresh.items() if len(term) <= _MAX_NAME)
            counted.update({(field, term): frequency for term, frequency in kept})
        known = {term: frequency for term, frequency in found.items() if frequency is not None}
        return Statistics(
            n_rows=self._selection.n_selected,
            total_length=self._sum_lengths(field),
            frequencies={**known, **fresh},
        )

    def _sum_lengths(self, field: TextField) -> int:
        length = self._lengths.get(field)
        if length is None:
            length = self._lengths[field] = sum_lengths(self._view.postings[field], self._selection)
        return length
