"""The best rows of one segment: collected a block at a time, ties by the lower chunk_id."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from eagleray.errors import QueryError
from indexes.best_rows import push_row
from indexes.dense.vectors import FloatVector

IntVector = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The best rows of a segment, best first, ties by the lower chunk_id.

    Attributes:
        rows: int64 [n].
        similarities: float32 [n], exact.
    """

    rows: IntVector
    similarities: FloatVector


class Collector:
    """Keeps the `k` best of all rows it was shown; the order in which they come decides nothing."""

    def __init__(self, k: int) -> None:
        """Begin with none.

        Raises:
            QueryError: `k` is below 1.
        """
        if k < 1:
            raise QueryError(detail=f"k must be at least 1, found {k}")
        self._similarities = np.empty(k, dtype=np.float32)
        self._ids = np.empty(k, dtype=np.int64)
        self._rows = np.empty(k, dtype=np.int64)
        self._n = 0

    def add(self, similarities: FloatVector, *, rows: IntVector, ids: IntVector) -> None:
        """Show some rows.

        Args:
            similarities: float32 [n].
            rows: int64 [n].
            ids: int64 [n_rows of the segment], by which ties are broken.
        """
        heap = (self._similarities, self._ids, self._rows)
        self._n = int(_push_all(similarities, rows, ids, *heap, self._n))

    def finish(self) -> Neighbours:
        """Return the best rows."""
        similarities, ids = self._similarities[: self._n], self._ids[: self._n]
        order = np.lexsort((ids, -similarities))
        return Neighbours(rows=self._rows[: self._n][order], similarities=similarities[order])


@numba.njit(cache=True, nogil=True)
def _push_all(
    similarities: FloatVector,
    rows: IntVector,
    ids: IntVector,
    heap: FloatVector,
    heap_ids: IntVector,
    heap_rows: IntVector,
    n: int,
) -> int:
    for number in range(len(similarities)):
        similarity = similarities[number]
        if n < len(heap) or similarity >= heap[0]:
            row = rows[number]
            n = push_row(heap, heap_ids, heap_rows, n, similarity, ids[row], row)
    return n
