"""Shortlists out of similarities that were computed for many queries at once.

One GEMM compares a block of queries with every row, in another order of additions than the exact
comparison; the two differ by less than `bound_rounding`. So the rows that look best, and a few more, hold the
true neighbours whenever the exact comparison of the last wanted one is above what any other row could
reach; where it is not, the caller compares every row.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from eagleray.contracts.ports import FloatMatrix
from indexes.best_rows import push_row
from indexes.dense.flat import rescore
from indexes.dense.neighbours import IntVector, Neighbours
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.selections import Bits, Selection

SPARE: Final = 16
"""Rows kept beyond those wanted, so that near ties seldom force a full comparison."""


def bound_rounding(dim: int) -> float:
    """Return by how much two float32 sums of `dim` products of unit vectors may differ.

    Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), equation 3.5: n u on each side.
    """
    return 2.0 * dim * 2.0**-24


def find_by_shortlist(
    similarities: FloatVector,
    vectors: FloatMatrix,
    ids: IntVector,
    *,
    query: DenseQuery,
    k: int,
    selection: Selection,
) -> Neighbours | None:
    """Return the best rows as an exact search finds them, or `None` where the shortlist cannot tell.

    Args:
        similarities: float32 [n_rows], of a GEMM.
        vectors: float32 [n_rows, dim].
        ids: int64 [n_rows], chunk_ids.
        query: the query.
        k: rows wanted, at least 1.
        selection: rows that may come back.
    """
    n = min(k + SPARE, selection.n_selected)
    if not n:
        empty = np.empty(0, dtype=np.int64)
        return Neighbours(rows=empty, similarities=np.empty(0, dtype=np.float32))
    heap = np.empty(n, dtype=np.float32)
    heap_ids, rows = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    bits = np.empty(0, dtype=np.uint8) if selection.bits is None else selection.bits
    _collect(similarities, selection.n_prefix, bits, ids, heap, heap_ids, rows)
    found = rescore(vectors, ids, rows, query=query, k=k)
    if n == selection.n_selected:
        return found
    reach = float(heap[0]) + bound_rounding(vectors.shape[1])
    return found if float(found.similarities[-1]) > reach else None


@numba.njit(cache=True, nogil=True)
def _collect(
    similarities: FloatVector,
    n_prefix: int,
    bits: Bits,
    ids: IntVector,
    heap: FloatVector,
    heap_ids: IntVector,
    rows: IntVector,
) -> None:
    n = 0
    for row in range(n_prefix):
        similarity = similarities[row]
        if n == len(heap) and similarity < heap[0]:
            continue
        if len(bits) == 0 or bits[row >> 3] >> (row & 7) & 1:
            n = push_row(heap, heap_ids, rows, n, similarity, ids[row], row)
