"""From the channels of a question to the rows of its answer: fusion, least scores, diversity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from eagleray.contracts.hits import Fusion, Page, SearchMode, SearchRequest
from indexes.fusion.diversity import choose_diverse
from indexes.searching.combining import choose_combination
from indexes.searching.limits import choose_limits
from indexes.searching.ranking import Ranked, RankedChannels, Wanted, rank_by_ranks, rank_rows

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


def cut_page(ranked: Sequence[Ranked], page: Page | None) -> Sequence[Ranked]:
    """Return the part of the hits that is shown."""
    return ranked if page is None else ranked[page.skip : page.skip + page.n]


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
