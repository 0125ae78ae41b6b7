"""Vectors of chunk rows, checked as they come out of an embedder."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.errors import ModelError
from indexes.segments.segment_files import list_texts
from indexes.segments.vectors import NORM_TOLERANCE


def compute_vectors(rows: pa.Table, embedder: Embedder) -> FloatMatrix:
    """Return float32 [n_rows, dim], unit L2 norm: the vectors of chunk rows, in their order.

    Raises:
        ModelError: the embedder gave other vectors than it promises; names the first row.
    """
    vectors = embedder.embed_passages(list_texts(rows))
    fault = find_vector_fault(vectors, rows, dim=embedder.identity.dim)
    if fault:
        raise ModelError(model=embedder.identity.name, detail=fault)
    return vectors


def find_vector_fault(vectors: FloatMatrix, rows: pa.Table, *, dim: int) -> str:
    """Return what is wrong with the vectors of chunk rows and at which row, or `""`.

    Args:
        vectors: expected float32 [n_rows, dim], finite, unit L2 norm.
        rows: chunk rows, as many as vectors.
        dim: numbers of one vector.
    """
    if vectors.ndim != 2 or vectors.shape != (rows.num_rows, dim):
        return f"expected {rows.num_rows} vectors of {dim} numbers, found an array of {list(vectors.shape)}"
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    off = np.flatnonzero(~(np.abs(lengths - 1.0) <= NORM_TOLERANCE))  # a NaN is off, too
    if not len(off):
        return ""
    row = int(off[0])
    chunk = f"row {row} (document {rows['doc_id'][row].as_py()!r}, chunk {rows['ordinal'][row].as_py()})"
    return f"{len(off)} of {len(lengths)} vectors are not of length 1: {chunk} has length {lengths[row]:.6g}"
