"""Convex combination of dense and lexical scores, calibrated so that one weight serves all corpora.

Both channels are brought to 0..1: from 0, which stands for "nothing in common" in both, to the
greatest value among the visible rows. So what a caller may not see, or what was not known yet,
never moves a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

DENSE_WEIGHT: Final = 0.35
"""Share of the dense channel where none was fitted to a collection; `benchmarks.retrieval` measures it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Greatest scores among the visible rows of all segments.

    Attributes:
        dense: greatest cosine similarity.
        lexical: greatest BM25 score.
    """

    dense: float
    lexical: float


def combine_scores(
    dense: npt.NDArray[np.float64],
    lexical: npt.NDArray[np.float64],
    *,
    bounds: Bounds,
    dense_weight: float = DENSE_WEIGHT,
) -> npt.NDArray[np.float64]:
    """Return the hybrid similarity of each row.

    Args:
        dense: float64 [n_rows], cosine similarity.
        lexical: float64 [n_rows], BM25, at least 0.
        bounds: of all segments.
        dense_weight: from 0 to 1, share of the dense channel.

    Returns:
        float64 [n_rows], 0..1 for visible rows, row by row the same bits in any split.

    Source: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, ACM TOIS
        42(1), 2023: convex combination (equation 4) after scaling by the query's greatest score;
        the least cosine is taken as 0 here, for models whose cosines of unrelated texts lie there.
    """
    near = _scale(np.maximum(dense, 0.0), bounds.dense)
    worded = _scale(lexical, bounds.lexical)
    return dense_weight * near + (1.0 - dense_weight) * worded


def _scale(scores: npt.NDArray[np.float64], greatest: float) -> npt.NDArray[np.float64]:
    return scores / greatest if greatest > 0.0 else np.zeros_like(scores)
