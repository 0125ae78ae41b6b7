"""From the channels of a question to the rows of its answer: one score of all, minimum scores, diversity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from eagleray.contracts.hits import Fusion, Page, SearchMode, SearchRequest
from indexes.fusion.convex import DENSE_WEIGHT, Bounds, combine_scores
from indexes.fusion.diversity import choose_diverse
from indexes.searching.channels import DoubleVector
from indexes.searching.limits import choose_limits
from indexes.searching.ranking import Combine, Ranked, RankedChannels, Wanted, rank_by_ranks, rank_rows

Item = TypeVar("Item")

_POOL: Final = 5
_LEAST_POOL: Final = 50


def answer_question(source: RankedChannels, request: SearchRequest, *, dense_weight: float) -> list[Ranked]:
    """Return the rows of the answer, in its order, each with its score in every channel.

    Args:
        source: of the rows the question may find; the channels of its mode, the dense one first.
        request: what was asked.
        dense_weight: share of the dense channel in a convex combination.
    """
    if not request.ranking.diversity:
        return _rank(source, request, k=max(request.k, request.rerank), dense_weight=dense_weight)
    pool = _rank(source, request, k=max(_LEAST_POOL, _POOL * request.k), dense_weight=dense_weight)
    if not pool:
        return []
    scores, vectors = np.array([item.score for item in pool]), source.read_vectors(pool)
    chosen = choose_diverse(scores, vectors, k=request.k, diversity=request.ranking.diversity)
    return [pool[place] for place in chosen]


def cut_page(ranked: Sequence[Item], page: Page | None) -> Sequence[Item]:
    """Return the part of a ranking that is shown."""
    return ranked if page is None else ranked[page.skip : page.skip + page.n]


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


def _rank(source: RankedChannels, request: SearchRequest, *, k: int, dense_weight: float) -> list[Ranked]:
    limits = choose_limits(request)
    floors = {SearchMode.DENSE: (limits.dense,), SearchMode.LEXICAL: (limits.lexical,)}
    wanted = Wanted(
        k=k,
        n_per_document=limits.n_per_document,
        floor=limits.score,
        floors=floors.get(request.mode, (limits.dense, limits.lexical)),
    )
    if request.mode is SearchMode.HYBRID and request.ranking.fusion is Fusion.RECIPROCAL_RANK:
        return rank_by_ranks(source, wanted)
    return rank_rows(source, choose_combination(request.mode, dense_weight=dense_weight), wanted)
