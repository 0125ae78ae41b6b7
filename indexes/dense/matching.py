"""The nearest centroid of each row: the step that k-means and building repeat.

A `Matcher` does it for one block of rows; `NumpyMatcher` is the one on CPU, the one in `torch_matching`
runs wherever torch does. Both break ties by the lower number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.vectors import FloatVector

BLOCK_ROWS: Final = 1_024
"""Rows compared at once: their similarities to 4,096 centroids take 16 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The nearest centroid of each row.

    Attributes:
        labels: int32 [n_rows].
        similarities: float32 [n_rows], inner products with that centroid, without handicap.
    """

    labels: npt.NDArray[np.int32]
    similarities: FloatVector


class Matcher(Protocol):
    """Finds the nearest centroid of each row; the same input gives the same bits."""

    def match(self, rows: FloatMatrix, centroids: FloatMatrix, *, handicaps: FloatVector | None) -> Match:
        """Return the nearest centroid of each row.

        Args:
            rows: float32 [n_rows, dim].
            centroids: float32 [n_centroids, dim].
            handicaps: float32 [n_centroids], taken from the similarities before they are compared, or
                `None`.
        """
        ...


class NumpyMatcher:
    """Blocks of one GEMM each, in one thread, so that bits do not depend on the number of cores."""

    def match(self, rows: FloatMatrix, centroids: FloatMatrix, *, handicaps: FloatVector | None) -> Match:
        """Return the nearest centroid of each row; see `Matcher`."""
        labels = np.empty(len(rows), dtype=np.int32)
        similarities = np.empty(len(rows), dtype=np.float32)
        with threadpool_limits(1):
            for start in range(0, len(rows), BLOCK_ROWS):
                block = slice(start, min(start + BLOCK_ROWS, len(rows)))
                found = rows[block] @ centroids.T
                best = (found if handicaps is None else found - handicaps).argmax(axis=1)
                labels[block] = best
                similarities[block] = found[np.arange(len(best)), best]
        return Match(labels=labels, similarities=similarities)
