"""A query as dense indexes take it: its vector, and the lists it would look into first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from indexes.dense.vectors import FloatVector, check_query


class DenseQuery:
    """A checked query vector; lists are ranked once, for all segments that share a codebook."""

    def __init__(self, vector: FloatVector, *, dim: int) -> None:
        """Check the vector.

        Args:
            vector: float32 [dim].
            dim: numbers it must have.

        Raises:
            QueryError: it has another dimension, or a number that is not finite.
        """
        self.vector = check_query(vector, dim=dim)
        self._lists: Any = None
        self._ranked = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))

    def rank_lists(self, lists: Any, *, n: int) -> tuple[npt.NDArray[np.int64], FloatVector]:
        """Return the `n` lists whose centroids are most similar, best first, and these similarities.

        Args:
            lists: centroids, as `codes.make_lists` returns them.
            n: at most as many as there are lists.

        Returns:
            int64 [n] and float32 [n].
        """
        if self._lists is not lists or len(self._ranked[0]) < n:
            similarities, numbers = lists.search(self.vector[None, :], n)
            self._lists, self._ranked = lists, (numbers[0], similarities[0])
        numbers, similarities = self._ranked
        return numbers[:n], similarities[:n]
