"""How the channels of a mode make one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eagleray.contracts.hits import SearchMode
from indexes.fusion.convex import Bounds, combine_scores
from indexes.searching.channels import Best, DoubleVector


def combine_one(scores: Sequence[DoubleVector], _: Sequence[Best]) -> DoubleVector:
    """Return the scores of the only channel."""
    return scores[0]


def combine_both(scores: Sequence[DoubleVector], best: Sequence[Best]) -> DoubleVector:
    """Return the hybrid scores of the dense and the lexical channel."""
    bounds = Bounds(dense=best[0].greatest, lexical=best[1].greatest)
    return combine_scores(scores[0], scores[1], bounds=bounds)


COMBINE: Final = {
    SearchMode.DENSE: combine_one,
    SearchMode.LEXICAL: combine_one,
    SearchMode.HYBRID: combine_both,
}
"""What each mode combines with."""
