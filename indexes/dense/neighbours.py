"""The best rows of one segment: collected a block at a time, ties by the lower chunk_id."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from eagleray.errors import QueryError
from indexes.best_rows import BestRows, push_row
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
        self._best = (
            np.empty(k, dtype=np.float32),
            np.empty(k, dtype=np.int64),
            np.empty(k, dtype=np.int64),
        )
        self._n = 0

    def add(self, similarities: FloatVector, *, rows: IntVector, ids: IntVector) -> None:
        """Show some rows.

        Args:
            similarities: float32 [n].
            rows: int64 [n].
            ids: int64 [n_rows of the segment], by which ties are broken.
        """
        self._n = int(_push_all(similarities, rows, ids, self._best, self._n))

    def finish(self) -> Neighbours:
        """Return the best rows."""
        n, (similarities, ids, rows) = self._n, self._best
        similarities, ids, rows = similarities[:n], ids[:n], rows[:n]
        order = np.lexsort((ids, -similarities))
        return Neighbours(rows=rows[order], similarities=similarities[order])


@numba.njit(cache=True, nogil=True)
def _push_all(similarities: FloatVector, rows: IntVector, ids: IntVector, best: BestRows, n: int) -> int:
    heap = best[0]
    for number in range(len(similarities)):
        similarity = similarities[number]
        if n < len(heap) or similarity >= heap[0]:
            row = rows[number]
            n = push_row(best, n, similarity, ids[row], row)
    return n
