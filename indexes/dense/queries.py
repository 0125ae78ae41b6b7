"""A query as dense indexes take it: its vector, and how near each list of a codebook is."""

from __future__ import annotations

import numpy as np

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.comparing import compare_rows, freeze
from indexes.dense.vectors import FloatVector, check_query


class DenseQuery:
    """A checked query vector; lists are compared once, for all segments that share a codebook."""

    def __init__(self, vector: FloatVector, *, dim: int) -> None:
        """Check the vector.

        Args:
            vector: float32 [dim].
            dim: numbers it must have.

        Raises:
            QueryError: it has another dimension, or a number that is not finite.
        """
        self.vector = freeze(check_query(vector, dim=dim))
        self._compared: tuple[FloatMatrix | None, FloatVector] = (None, np.empty(0, dtype=np.float32))

    def compare_lists(self, centroids: FloatMatrix) -> FloatVector:
        """Return the similarity of each list's centroid: float32 [n_lists].

        Args:
            centroids: float32 [n_lists, dim], C-contiguous.
        """
        known, similarities = self._compared
        if known is not centroids:
            similarities = compare_rows(centroids, np.arange(len(centroids)), self.vector)
            self._compared = (centroids, similarities)
        return similarities
