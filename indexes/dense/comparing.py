"""Exact similarities of stored vectors with a query: one compiled function for every caller.

A row's sum has one order of additions, whatever its place, the selection and the other rows, so the
same row and query give the same bits in every segment, index kind and plan of one machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.vectors import FloatVector

_Number = TypeVar("_Number", bound=np.generic)

BLOCK_ROWS: Final = 1_024
"""Rows that many queries are compared with while a core's caches hold them: 1.5 MB at 384 numbers a row."""


def compare_rows(vectors: FloatMatrix, rows: npt.NDArray[np.int64], query: FloatVector) -> FloatVector:
    """Return the inner product of some rows with the query.

    Args:
        vectors: float32 [n_rows, dim], C-contiguous.
        rows: int64 [n], each below `n_rows`.
        query: float32 [dim], C-contiguous, as `check_query` returns it.

    Returns:
        float32 [n], in the order of `rows`.
    """
    similarities = np.empty(len(rows), dtype=np.float32)
    _multiply(freeze(vectors), freeze(rows), freeze(query), similarities)
    return similarities


def compare_block(
    vectors: FloatMatrix, queries: Sequence[FloatVector], start: int, *, similarities: FloatMatrix
) -> None:
    """Compare a block of rows with many queries, to the bits of `compare_rows`.

    Args:
        vectors: float32 [n_rows, dim], C-contiguous.
        queries: float32 [dim] each, C-contiguous.
        start: the block's first row.
        similarities: float32 [n_queries, n_rows], of which the block's `BLOCK_ROWS` columns are written.
    """
    rows = freeze(np.arange(start, min(start + BLOCK_ROWS, len(vectors)), dtype=np.int64))
    block = freeze(vectors)
    for query, found in zip(queries, similarities[:, start : start + len(rows)], strict=True):
        _multiply(block, rows, freeze(query), found)


def freeze(array: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Return a view that cannot be written: arrays of both kinds would be compiled apart."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _multiply(
    vectors: FloatMatrix, rows: npt.NDArray[np.int64], query: FloatVector, similarities: FloatVector
) -> None:
    for number in range(rows.shape[0]):
        row = rows[number]
        total = np.float32(0.0)
        for place in range(query.shape[0]):
            total += vectors[row, place] * query[place]
        similarities[number] = total
