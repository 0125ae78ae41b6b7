"""How much of a question's words a row holds, weighed by how rare they are among the visible rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from indexes.lexical.bm25 import find_idf
from indexes.lexical.expressions import read_phrase
from indexes.lexical.lists import find_holders
from indexes.lexical.postings import Postings
from indexes.selections import IntVector

BACKGROUND_ROWS: Final = 1_000
"""Rows that hold no word of a question, and count as if they were there: without them, each word that a few
documents hold would be a common one, and each word that they lack would tell of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordShares:
    """What each word of a question weighs.

    Attributes:
        shares: word -> its share of the idf of all; together 1, none where a question has no words.
        unknown: share of those that no visible row holds; less, the fewer rows there are to hold them.
    """

    shares: Mapping[str, float]
    unknown: float

    def cover_rows(self, postings: Postings, rows: IntVector) -> npt.NDArray[np.float64]:
        """Return the share of the words that each row of a segment holds: float64 [len(rows)], 0 to 1."""
        held = find_holders(postings, list(self.shares), rows)
        shares = np.array(list(self.shares.values()), dtype=np.float64)
        return np.array([math.fsum(shares[words]) for words in held], dtype=np.float64)

    def cover_terms(self, terms: frozenset[str]) -> float:
        """Return the share of the words that are among the terms of a text, from 0 to 1."""
        return math.fsum(share for word, share in self.shares.items() if word in terms)


def share_words(frequencies: Mapping[str, int], *, n_rows: int) -> WordShares:
    """Return what each word of a question weighs.

    Args:
        frequencies: what it asks for by words (`expressions`) -> visible rows that hold it; a phrase counts
            by its words alone.
        n_rows: visible rows.
    """
    words = sorted(term for term in frequencies if read_phrase(term) is None)
    n_all = n_rows + BACKGROUND_ROWS
    idf = {word: find_idf(n_all, frequencies[word]) for word in words}
    total = math.fsum(idf.values())
    shares = {word: value / total for word, value in idf.items()} if total else {}
    unknown = math.fsum(share for word, share in shares.items() if not frequencies[word])
    return WordShares(shares=shares, unknown=unknown * n_rows / n_all)
