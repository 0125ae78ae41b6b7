"""Search without the product's index: scores of every row by the plain formulas, in double precision.

Takes from the product only how text becomes terms and the constants of the formulas.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from eagleray.contracts.hits import Granularity, SearchMode
from indexes.fusion.convex import DENSE_WEIGHT
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import K1, B
from indexes.lexical.expressions import GAP, find_query_terms

IntVector: TypeAlias = npt.NDArray[np.int64]
DoubleVector: TypeAlias = npt.NDArray[np.float64]
Scores: TypeAlias = dict[int, float]
"""Row number -> score of the rows that may be hits, best first, ties by the lower chunk_id."""


@dataclass(frozen=True, kw_only=True)
class PlainIndex:
    """Rows as they are.

    Attributes:
        chunk_ids: one a row.
        doc_ids: one a row.
        texts: what the lexical index reads of each row.
        terms: term -> occurrences, one a row.
        phrases: phrases that were asked for -> occurrences by row.
        vectors: float64 [n_rows, dim].
    """

    chunk_ids: Sequence[int]
    doc_ids: Sequence[str]
    texts: Sequence[str]
    terms: Sequence[Counter[str]]
    vectors: DoubleVector
    phrases: dict[str, Counter[int]] = field(default_factory=dict)

    def score(self, rows: IntVector, query: str, vector: npt.NDArray[Any]) -> dict[SearchMode, Scores]:
        """Return what each mode makes of the rows, as if there were no others.

        Args:
            rows: int64 [n], the rows that are visible.
            query: the question in words.
            vector: [dim], its embedding.
        """
        if not len(rows):
            return {mode: {} for mode in SearchMode}
        words = self._score_words(rows, query)
        similarities = self.vectors[rows] @ vector.astype(np.float64)
        return {
            SearchMode.DENSE: self._sort(rows, similarities),
            SearchMode.LEXICAL: self._sort(rows[words > 0.0], words[words > 0.0]),
            SearchMode.HYBRID: self._sort(rows, _combine(similarities, words)),
        }

    def rank(self, scores: Scores, granularity: Granularity, *, k: int) -> list[int]:
        """Return the best `k` rows, a document once if asked."""
        ranked: list[int] = []
        seen: set[str] = set()
        for row in scores:
            if granularity is Granularity.DOCUMENT and self.doc_ids[row] in seen:
                continue
            seen.add(self.doc_ids[row])
            ranked.append(row)
            if len(ranked) == k:
                break
        return ranked

    def _sort(self, rows: IntVector, scores: DoubleVector) -> Scores:
        order = np.lexsort((self._ids[rows], -scores))
        return dict(zip(rows[order].tolist(), scores[order].tolist(), strict=True))

    def _score_words(self, rows: IntVector, query: str) -> DoubleVector:
        """Return BM25 of the rows; the source of the formula is named in `indexes.lexical.bm25`."""
        lengths = self._lengths[rows]
        held_back = K1 * (1.0 - B + B * lengths / lengths.mean())
        scores = np.zeros(len(rows))
        for name, times in find_query_terms(query).items():
            tf = self._count(name)[rows]
            df = np.count_nonzero(tf)
            idf = math.log(1.0 + (len(rows) - df + 0.5) / (df + 0.5))
            scores += times * idf * tf * (K1 + 1.0) / (tf + held_back)
        return scores

    def _count(self, name: str) -> DoubleVector:
        """Return how often each of all rows holds a term or a phrase."""
        found = self._count_phrase(name) if name.startswith('"') else self._occurrences.get(name, {})
        counts = np.zeros(len(self.terms))
        counts[list(found.keys())] = list(found.values())
        return counts

    @cached_property
    def _ids(self) -> IntVector:
        return np.array(self.chunk_ids, dtype=np.int64)

    @cached_property
    def _lengths(self) -> DoubleVector:
        return np.array([counts.total() for counts in self.terms], dtype=np.float64)

    @cached_property
    def _occurrences(self) -> dict[str, dict[int, int]]:
        found: dict[str, dict[int, int]] = {}
        for row, counts in enumerate(self.terms):
            for term, count in counts.items():
                found.setdefault(term, {})[row] = count
        return found

    def _count_phrase(self, name: str) -> Counter[int]:
        """Return how often each row holds a phrase, word for word."""
        if name not in self.phrases:
            wanted = [(place, term) for place, term in enumerate(name.strip('"').split(" ")) if term != GAP]
            found: Counter[int] = Counter()
            for row, text in enumerate(self.texts):
                if all(term in self.terms[row] for _, term in wanted):
                    found[row] = _count_words(text, wanted)
            self.phrases[name] = found
        return self.phrases[name]


def count_terms(texts: Iterable[str]) -> list[Counter[str]]:
    """Return term -> occurrences of each text."""
    return [Counter(ENGLISH.find_terms(text)) for text in texts]


def _count_words(text: str, wanted: Sequence[tuple[int, str]]) -> int:
    """Return at how many words of a text the wanted terms stand, each at its distance."""
    words: dict[int, set[str]] = {}
    for token in ENGLISH.find_tokens(text):
        words.setdefault(token.word, set()).add(token.term)
    starts = range(min(words, default=0) - len(wanted), max(words, default=-1) + 1)
    return sum(all(term in words.get(start + place, ()) for place, term in wanted) for start in starts)


def _combine(dense: DoubleVector, lexical: DoubleVector) -> DoubleVector:
    """Return the convex combination that `indexes.fusion.convex` describes."""
    nearest, most = dense.max(), lexical.max()
    near = np.maximum(dense, 0.0) / nearest if nearest > 0.0 else np.zeros_like(dense)
    worded = lexical / most if most > 0.0 else np.zeros_like(lexical)
    combined: DoubleVector = DENSE_WEIGHT * near + (1.0 - DENSE_WEIGHT) * worded
    return combined
