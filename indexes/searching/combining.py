"""How the channels of a search make one score."""

from __future__ import annotations

from collections.abc import Sequence

from eagleray.contracts.hits import SearchMode
from indexes.fusion.convex import DENSE_WEIGHT, Bounds, combine_scores
from indexes.searching.channels import DoubleVector
from indexes.searching.ranking import Combine


def combine_one(scores: Sequence[DoubleVector], _: Sequence[float]) -> DoubleVector:
    """Return the scores of the only channel."""
    return scores[0]


def choose_combination(mode: SearchMode, *, dense_weight: float = DENSE_WEIGHT) -> Combine:
    """Return what makes one score of the channels of a mode.

    Args:
        mode: dense, lexical, or hybrid: both, in this order.
        dense_weight: see `combine_scores`.
    """

    def combine_both(scores: Sequence[DoubleVector], greatest: Sequence[float]) -> DoubleVector:
        bounds = Bounds(dense=greatest[0], lexical=greatest[1])
        return combine_scores(scores[0], scores[1], bounds=bounds, dense_weight=dense_weight)

    return combine_both if mode is SearchMode.HYBRID else combine_one
