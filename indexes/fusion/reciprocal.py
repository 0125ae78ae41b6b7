"""Reciprocal rank fusion: what counts is a row's place in each channel, not its score there.

For models whose cosines say little, or channels nobody calibrated. A convex combination finds more on the
corpora that were measured (`benchmarks.retrieval`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

RANK_CONSTANT: Final = 60
"""Source: Cormack, Clarke and Buettcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank
Learning Methods (SIGIR 2009)."""

WINDOW: Final = 100
"""Rows of each channel that have a rank; those after them count nothing there."""


def score_ranks(n: int) -> npt.NDArray[np.float64]:
    """Return what a row gets for its rank in one channel: float64 [n], the first for rank 1."""
    return 1.0 / (RANK_CONSTANT + np.arange(1, n + 1, dtype=np.float64))
