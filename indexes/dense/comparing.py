"""Exact similarities of stored vectors with a query: one compiled function, whoever asks.

A row's sum has one order of additions, whatever its place, the selection and the other rows, so the
same row and query give the same bits in every segment, index kind and plan of one machine.
"""

from __future__ import annotations

from typing import TypeVar

import numba
import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.vectors import FloatVector

_Number = TypeVar("_Number", bound=np.generic)


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
