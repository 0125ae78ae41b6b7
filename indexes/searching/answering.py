"""From the channels of a question to the rows of its answer: fusion, least scores, diversity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from eagleray.contracts.hits import Fusion, SearchMode, SearchRequest
from indexes.fusion.diversity import choose_diverse
from indexes.fusion.reciprocal import WINDOW
from indexes.searching.channels import Best, Channel, DoubleVector
from indexes.searching.combining import RankedChannel, ShownChannel, choose_combination
from indexes.searching.limits import choose_limits
from indexes.searching.ranking import Ranked, Wanted, rank_rows
from indexes.searching.targets import Target

_POOL: Final = 5
_LEAST_POOL: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, ready to be answered.

    Attributes:
        targets: the rows it may find, one a segment.
        dense: channel of vectors, or `None` where only words count.
        lexical: channel of words, or `None` where only vectors count.
        dense_weight: share of the dense channel in a convex combination.
    """

    targets: Sequence[Target]
    dense: Channel | None
    lexical: Channel | None
    dense_weight: float

    @property
    def channels(self) -> list[Channel]:
        """The channels that count, the dense one first."""
        return [channel for channel in (self.dense, self.lexical) if channel is not None]


def answer_question(question: Question, request: SearchRequest) -> list[Ranked]:
    """Return the rows of the answer, in its order, each with its score in every channel."""
    if not request.ranking.diversity:
        return _rank(question, request, k=max(request.k, request.rerank))
    pool = _rank(question, request, k=max(_LEAST_POOL, _POOL * request.k))
    vectors = [question.targets[item.part].view.vectors[item.row] for item in pool]
    if not vectors:
        return []
    scores = np.array([item.score for item in pool])
    chosen = choose_diverse(scores, np.stack(vectors), k=request.k, diversity=request.ranking.diversity)
    return [pool[place] for place in chosen]


def _rank(question: Question, request: SearchRequest, *, k: int) -> list[Ranked]:
    limits = choose_limits(request)
    floors = {SearchMode.DENSE: (limits.dense,), SearchMode.LEXICAL: (limits.lexical,)}
    wanted = Wanted(
        k=k,
        n_per_document=limits.n_per_document,
        floor=limits.score,
        floors=floors.get(request.mode, (limits.dense, limits.lexical)),
    )
    if request.mode is SearchMode.HYBRID and request.ranking.fusion is Fusion.RECIPROCAL_RANK:
        return _rank_by_ranks(question, wanted)
    combine = choose_combination(request.mode, dense_weight=question.dense_weight)
    return rank_rows(question.targets, question.channels, combine, wanted)


def _rank_by_ranks(question: Question, wanted: Wanted) -> list[Ranked]:
    """Return the best rows by their ranks; their scores in the channels are those of the channels."""
    window = max(WINDOW, wanted.k)
    ranks = [RankedChannel(question.targets, channel, n=window) for channel in question.channels]
    shown = [ShownChannel(channel) for channel in question.channels]
    floors = (*(-np.inf for _ in ranks), *wanted.floors)

    def combine(scores: Sequence[DoubleVector], _: Sequence[Best]) -> DoubleVector:
        return scores[0] + scores[1]

    ranked = rank_rows(question.targets, [*ranks, *shown], combine, replace(wanted, floors=floors))
    return [replace(item, scores=item.scores[len(ranks) :]) for item in ranked]
