"""Vectors that come in: float32 of unit length, or the reason why one is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.ports import FloatMatrix
from indexes.segments.vectors import NORM_TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedVectors:
    """Some vectors after the check.

    Attributes:
        vectors: float32 [n_rows, dim], C-contiguous; rows with a fault hold anything.
        faults: row -> what is wrong with it.
    """

    vectors: FloatMatrix
    faults: dict[int, str]


def is_vector_type(kind: pa.DataType) -> bool:
    """Return whether a column of this type may hold vectors."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and pa.types.is_floating(kind.value_type))


def check_column(column: pa.Array, *, dim: int, is_normalised: bool) -> CheckedVectors:
    """Check a column of lists of numbers; a null or another length is a fault of its row."""
    lengths = pc.list_value_length(column).fill_null(-1).to_numpy(zero_copy_only=False)
    is_right = lengths == dim
    matrix = np.full((len(column), dim), np.nan, dtype=np.float64)
    values = pc.list_flatten(column.filter(pa.array(is_right)))
    matrix[is_right] = values.cast(pa.float64()).to_numpy(zero_copy_only=False).reshape(-1, dim)
    checked = check_matrix(matrix, is_normalised=is_normalised)
    for row in np.flatnonzero(~is_right).tolist():
        found = "none" if lengths[row] < 0 else f"one of {lengths[row]}"
        checked.faults[row] = f"expected a vector of {dim} numbers, found {found}"
    return checked


def check_matrix(matrix: npt.NDArray[Any], *, is_normalised: bool) -> CheckedVectors:
    """Check vectors, and scale them to length 1 where the caller wants that.

    Args:
        matrix: [n_rows, dim] of float16, float32 or float64.
        is_normalised: whether vectors of another length are scaled; otherwise that is a fault.
    """
    wide = matrix.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    faults: dict[int, str] = {}
    for row in np.flatnonzero(~np.isfinite(lengths) | (lengths == 0.0)).tolist():
        what = "no length: its numbers are 0" if lengths[row] == 0.0 else "a number that is not finite"
        faults[row] = f"expected a vector of length 1, found one with {what}"
    if is_normalised:
        usable = np.where(np.isfinite(lengths) & (lengths > 0.0), lengths, 1.0)
        wide = wide / usable[:, np.newaxis]
    else:
        for row in np.flatnonzero(np.abs(lengths - 1.0) > NORM_TOLERANCE).tolist():
            detail = f"expected a vector of length 1, found length {lengths[row]:.6g}; --normalise scales it"
            faults.setdefault(row, detail)
    with np.errstate(over="ignore", invalid="ignore"):
        return CheckedVectors(vectors=np.ascontiguousarray(wide, dtype=np.float32), faults=faults)
