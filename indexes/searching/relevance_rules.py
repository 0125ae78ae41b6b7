"""How the hits of one question are judged: by their own words and what is counted of visible rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eagleray.contracts.hits import SearchMode
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import RelevanceWeights
from indexes.fusion.relevance import HitEvidence, weigh_evidence
from indexes.lexical.bm25 import Statistics
from indexes.lexical.coverage import WordShares, share_words
from indexes.searching.ranking import Ranked
from indexes.searching.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceRule:
    """How the hits of a question are judged.

    Attributes:
        words: what each of its words weighs.
        weights: of what speaks for a hit.
        is_dense: whether the first score of a row is its cosine similarity.
    """

    words: WordShares
    weights: RelevanceWeights
    is_dense: bool

    def judge(self, ranked: Sequence[Ranked], targets: Sequence[Target]) -> list[float]:
        """Return how likely each row answers, from 0 to 1, in their order.

        Args:
            ranked: the rows.
            targets: the segments that `part` of a row names.
        """
        covered = np.zeros(len(ranked))
        for part in {item.part for item in ranked}:
            places = [place for place, item in enumerate(ranked) if item.part == part]
            rows = np.array([ranked[place].row for place in places], dtype=np.int64)
            covered[places] = self.words.cover_rows(targets[part].view.postings[TextField.BODY], rows)
        return [self._weigh(item, share) for item, share in zip(ranked, covered.tolist(), strict=True)]

    def _weigh(self, item: Ranked, covered: float) -> float:
        dense = max(item.scores[0], 0.0) if self.is_dense else 0.0
        evidence = HitEvidence(dense=dense, covered=covered, unknown=self.words.unknown)
        return weigh_evidence(self.weights, evidence)


def make_rule(statistics: Statistics, *, mode: SearchMode, weights: RelevanceWeights) -> RelevanceRule:
    """Return how the hits of a question are judged.

    Args:
        statistics: of the bodies of the rows that the caller may see, whatever the filter, and of what the
            question asks for by words.
        mode: channels that answer.
        weights: of what speaks for a hit.
    """
    words = share_words(statistics.frequencies, n_rows=statistics.n_rows)
    return RelevanceRule(words=words, weights=weights, is_dense=mode is not SearchMode.LEXICAL)
