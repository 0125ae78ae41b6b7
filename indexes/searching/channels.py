"""The channels of a search: each gives every visible row of every segment a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexes.dense.flat import FloatVector, scan_rows
from indexes.fusion.convex import Bounds, combine_scores
from indexes.lexical.bm25 import Statistics, count_statistics, merge_statistics, score_rows
from indexes.segments.view import SegmentView

BoolVector = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A segment and the rows of it that a question may see.

    Attributes:
        n_prefix: rows known at T.
        mask: bool [n_rows]: as-of, entitlements and filter.
    """

    view: SegmentView
    n_prefix: int
    mask: BoolVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scores of one segment's rows.

    Attributes:
        scores: float64 [n_rows], what hits are ordered by.
        candidates: bool [n_rows], rows that may be hits.
        dense: float32 [n_rows] or `None` where the channel took no part.
        lexical: float64 [n_rows] or `None`.
    """

    selection: Selection
    scores: npt.NDArray[np.float64]
    candidates: BoolVector
    dense: FloatVector | None = None
    lexical: npt.NDArray[np.float64] | None = None


def score_dense(selections: Sequence[Selection], vector: FloatVector) -> list[Scored]:
    """Return cosine similarities of the visible rows."""
    scored = []
    for selection in selections:
        dense = scan_rows(selection.view.vectors, vector, selection.mask)
        scored.append(
            Scored(
                selection=selection,
                scores=dense.astype(np.float64),
                candidates=selection.mask,
                dense=dense,
            )
        )
    return scored


def gather_statistics(selections: Sequence[Selection], terms: Mapping[str, int]) -> Statistics:
    """Return BM25's statistics of the visible rows of all segments."""
    return merge_statistics(
        count_statistics(selection.view.postings, terms, selection.mask) for selection in selections
    )


def score_lexical(
    selections: Sequence[Selection], terms: Mapping[str, int], *, statistics: Statistics
) -> list[Scored]:
    """Return BM25 scores; only visible rows that hold a query term may be hits."""
    scored = []
    for selection in selections:
        lexical = score_rows(selection.view.postings, terms, selection.mask, statistics=statistics)
        scored.append(Scored(selection=selection, scores=lexical, candidates=lexical > 0.0, lexical=lexical))
    return scored


def combine_channels(dense: Sequence[Scored], lexical: Sequence[Scored]) -> list[Scored]:
    """Return the hybrid scores of the visible rows."""
    bounds = Bounds(dense=_find_greatest(dense, -1.0), lexical=_find_greatest(lexical, 0.0))
    combined = []
    for near, worded in zip(dense, lexical, strict=True):
        if near.dense is not None and worded.lexical is not None:
            scores = combine_scores(near.dense, worded.lexical, bounds=bounds)
            combined.append(
                Scored(
                    selection=near.selection,
                    scores=scores,
                    candidates=near.selection.mask,
                    dense=near.dense,
                    lexical=worded.lexical,
                )
            )
    return combined


def _find_greatest(scored: Sequence[Scored], least: float) -> float:
    found = (item.scores[item.selection.mask] for item in scored)
    return max((float(scores.max()) for scores in found if len(scores)), default=least)
