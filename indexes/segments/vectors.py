"""A segment's vectors on their way to its file: in the order of the rows, a block at a time.

They are most of a segment's bytes, so they go from file to file and are never all in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import InputError, IntegrityError

NORM_TOLERANCE: Final = 1e-3
"""How far a vector's length may be from 1: what bfloat16 rounding of a unit vector may leave."""

_BLOCK_ROWS: Final = 8_192

_READING_A_HEADER: Final = threading.RLock()
"""Held while NumPy parses the header of a file, with `ast`: in two threads at once Python 3.11 may raise a
`SystemError`, as it counts the depth of what it parses for all threads together.

Source: CPython issue 106905.
"""


def align_vectors(chunks: pa.Table, vectors: pa.Table) -> FloatMatrix:
    """Return the vectors of a vector table in the order of the chunks.

    Args:
        chunks: rows with a `chunk_id`.
        vectors: rows as `make_vector_schema` says, in any order.

    Returns:
        float32 [n_chunks, dim], C-contiguous.

    Raises:
        InputError: a chunk has no vector, a vector no chunk, or an id comes twice.
    """
    wanted, found = chunks["chunk_id"].to_numpy(), vectors["chunk_id"].to_numpy()
    order = np.argsort(found, kind="stable")
    if len(wanted) != len(found) or not np.array_equal(np.sort(wanted), found[order]):
        common = len(np.intersect1d(wanted, found))
        detail = (
            f"{len(wanted)} chunks and {len(found)} vectors share {common} ids; each needs the other once"
        )
        raise InputError(detail=detail)
    if len(np.unique(found)) != len(found):
        raise InputError(detail="a chunk_id comes twice among the vectors")
    column = vectors["vector"].combine_chunks()
    dim = column.type.list_size
    matrix = column.flatten().to_numpy().reshape(len(found), dim)
    return np.ascontiguousarray(matrix[order[np.searchsorted(found[order], wanted)]], dtype=np.float32)


def stack_vectors(parts: Iterable[FloatMatrix], path: Path) -> FloatMatrix:
    """Write vectors one part after the other into a file and return them mapped from it.

    Args:
        parts: float32 [n, dim] each, at least one row in all.
        path: of the file, which must outlive the answer.

    Returns:
        float32 [sum of n, dim], C-contiguous, not writeable.
    """
    dim = 0
    with path.open("wb") as file:
        for part in parts:
            dim = part.shape[1]
            np.ascontiguousarray(part, dtype=np.float32).tofile(file)
    return np.memmap(path, dtype=np.float32, mode="r").view(np.ndarray).reshape(-1, dim)


def check_vectors(vectors: FloatMatrix, *, n_rows: int, dim: int) -> None:
    """Check that vectors are float32 [n_rows, dim] of unit L2 norm.

    Raises:
        InputError: they are not; names the first row that is off.
    """
    if vectors.dtype != np.float32 or vectors.shape != (n_rows, dim):
        detail = f"vectors must be float32 [{n_rows}, {dim}], found {vectors.dtype} {list(vectors.shape)}"
        raise InputError(detail=detail)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    off = np.flatnonzero(~(np.abs(lengths - 1.0) <= NORM_TOLERANCE))  # a NaN is off, too
    if len(off):
        detail = f"{len(off)} vectors are not of unit length: row {off[0]} has length {lengths[off[0]]:.6g}"
        raise InputError(detail=detail)


def save_vectors(vectors: FloatMatrix, order: npt.NDArray[np.int64], path: Path) -> None:
    """Write the rows of `vectors` in `order` as a `.npy` file, as `numpy.save` would."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(order), vectors.shape[1])}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(order), _BLOCK_ROWS):
            np.ascontiguousarray(vectors[order[start : start + _BLOCK_ROWS]]).tofile(file)


def map_vectors(path: Path, *, n_rows: int, dim: int) -> FloatMatrix:
    """Map a segment's vectors into memory: float32 [n_rows, dim], C-contiguous, not writeable.

    Raises:
        IntegrityError: the file holds another array.
    """
    try:
        with _READING_A_HEADER:
            loaded: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IntegrityError(path=str(path), expected="a numpy array", found=str(error)) from error
    shape = (n_rows, dim)
    if loaded.dtype != np.float32 or loaded.shape != shape or not loaded.flags.c_contiguous:
        found = f"{loaded.dtype} {list(loaded.shape)}"
        raise IntegrityError(path=str(path), expected=f"float32 {list(shape)}, C-contiguous", found=found)
    vectors: FloatMatrix = loaded.view(np.ndarray)
    return vectors
