"""The flat index: the stored vectors themselves, every selected row compared."""

from __future__ import annotations

from typing import Final

import numpy as np

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.comparing import compare_rows, freeze
from indexes.dense.contracts import Effort
from indexes.dense.neighbours import Collector, IntVector, Neighbours
from indexes.dense.queries import DenseQuery
from indexes.selections import Selection, check_selection

_BLOCK_ROWS: Final = 1 << 14


class FlatIndex:
    """Compares the query with every selected row; the effort changes nothing."""

    kind: Final = IndexKind.FLAT

    def __init__(self, vectors: FloatMatrix, ids: IntVector) -> None:
        """Take the rows.

        Args:
            vectors: float32 [n_rows, dim], C-contiguous, unit L2 norm, memory-mapped or not.
            ids: int64 [n_rows], chunk_ids, by which ties are broken.
        """
        self.vectors, self.ids = freeze(vectors), freeze(ids)

    @property
    def n_rows(self) -> int:
        """Rows of the segment."""
        return len(self.vectors)

    def search(self, query: DenseQuery, *, k: int, selection: Selection, effort: Effort) -> Neighbours:  # noqa: ARG002 - the Protocol's
        """Return the best rows of the selection; see `DenseIndex`."""
        check_selection(selection, n_rows=self.n_rows)
        collector = Collector(k)
        for rows in selection.iterate_rows(_BLOCK_ROWS):
            similarities = compare_rows(self.vectors, rows, query.vector)
            collector.add(similarities, rows=rows, ids=self.ids)
        return collector.finish()


def rescore(
    vectors: FloatMatrix, ids: IntVector, rows: IntVector, *, query: DenseQuery, k: int
) -> Neighbours:
    """Return the best `k` of some rows by their stored vectors."""
    collector = Collector(k)
    collector.add(compare_rows(vectors, np.ascontiguousarray(rows), query.vector), rows=rows, ids=ids)
    return collector.finish()
