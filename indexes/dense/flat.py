"""Exact similarities of all visible rows: one pass over the memory-mapped vectors."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from eagleray.errors import QueryError

FloatVector = npt.NDArray[np.float32]


def scan_rows(
    vectors: npt.NDArray[np.float32], query: FloatVector, mask: npt.NDArray[np.bool_]
) -> FloatVector:
    """Return the inner product of each visible row with the query.

    A row's sum has one order of additions, whatever its place, the mask and the other rows, so
    the same row and query give the same bits in every segment of one machine.

    Args:
        vectors: float32 [n_rows, dim], C-contiguous, unit L2 norm.
        query: float32 [dim], unit L2 norm.
        mask: bool [n_rows].

    Returns:
        float32 [n_rows]: cosine similarity; 0 where the mask is false.

    Raises:
        QueryError: the query has another dimension or a number that is not finite.
    """
    if query.ndim != 1 or query.shape[0] != vectors.shape[1]:
        expected = vectors.shape[1]
        raise QueryError(detail=f"the query vector must have {expected} numbers, found {query.shape}")
    if not np.isfinite(query).all():
        raise QueryError(detail="the query vector holds a number that is not finite")
    similarities = np.zeros(len(vectors), dtype=np.float32)
    _scan(vectors, np.ascontiguousarray(query, dtype=np.float32), mask, similarities)
    return similarities


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _scan(
    vectors: npt.NDArray[np.float32],
    query: FloatVector,
    mask: npt.NDArray[np.bool_],
    similarities: FloatVector,
) -> None:
    for row in range(vectors.shape[0]):
        if mask[row]:
            total = np.float32(0.0)
            for place in range(query.shape[0]):
                total += vectors[row, place] * query[place]
            similarities[row] = total
