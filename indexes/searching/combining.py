"""How the channels of a search make one score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eagleray.contracts.hits import SearchMode
from indexes.fusion.convex import DENSE_WEIGHT, Bounds, combine_scores
from indexes.fusion.reciprocal import score_ranks
from indexes.searching.channels import Best, Channel, DoubleVector, Rows
from indexes.searching.ranking import Combine
from indexes.searching.targets import Target


def combine_one(scores: Sequence[DoubleVector], _: Sequence[Best]) -> DoubleVector:
    """Return the scores of the only channel."""
    return scores[0]


def choose_combination(mode: SearchMode, *, dense_weight: float = DENSE_WEIGHT) -> Combine:
    """Return what makes one score of the channels of a mode.

    Args:
        mode: dense, lexical, or hybrid: both, in this order.
        dense_weight: see `combine_scores`.
    """

    def combine_both(scores: Sequence[DoubleVector], best: Sequence[Best]) -> DoubleVector:
        bounds = Bounds(dense=best[0].greatest, lexical=best[1].greatest)
        return combine_scores(scores[0], scores[1], bounds=bounds, dense_weight=dense_weight)

    return combine_both if mode is SearchMode.HYBRID else combine_one


class RankedChannel:
    """A channel whose best rows score by their rank in it, and all others nothing."""

    def __init__(self, targets: Sequence[Target], channel: Channel, *, n: int) -> None:
        """Rank the channel's rows.

        Args:
            targets: one a segment.
            channel: its scores decide the ranks, ties the lower chunk_id.
            n: rows that have a rank.
        """
        found = channel.find(n).found
        scores = channel.score(found)
        ids = np.empty(len(found), dtype=np.int64)
        for part, target in enumerate(targets):
            mine = found.parts == part
            ids[mine] = target.view.chunk_ids[found.rows[mine]]
        order = np.lexsort((ids, -scores))[:n]
        self._rows = found.take(order)
        self._scores = score_ranks(len(order))
        self._places = {
            key: place
            for place, key in enumerate(zip(self._rows.parts.tolist(), self._rows.rows.tolist(), strict=True))
        }

    def find(self, n: int) -> Best:  # noqa: ARG002 - all it has, whatever is asked
        """Return all rows that have a rank; see `Channel`."""
        greatest = float(self._scores[0]) if len(self._scores) else 0.0
        return Best(found=self._rows, greatest=greatest, least=-np.inf)

    def score(self, rows: Rows) -> DoubleVector:
        """Return the score of each row's rank; see `Channel`."""
        keys = zip(rows.parts.tolist(), rows.rows.tolist(), strict=True)
        places = [self._places.get(key, -1) for key in keys]
        return np.array([self._scores[place] if place >= 0 else 0.0 for place in places], dtype=np.float64)


class ShownChannel:
    """A channel that finds no row by itself, but scores those that others find."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def find(self, n: int) -> Best:  # noqa: ARG002 - all it has, whatever is asked
        """Return no row; see `Channel`."""
        empty = np.empty(0, dtype=np.int64)
        return Best(found=Rows(parts=empty, rows=empty), greatest=0.0, least=-np.inf)

    def score(self, rows: Rows) -> DoubleVector:
        """Return the channel's score of each row; see `Channel`."""
        return self._channel.score(rows)
