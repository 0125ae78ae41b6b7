"""FAISS's side of an inverted-list index: its encoders, its files, its ways of scanning lists.

A file of ours never holds centroids: they belong to the codebook, which every segment shares, and are
put in when a file is opened. Only bytes that a manifest vouches for are read here. Lists that are laid out
row by row stay in their file, mapped; those laid out for SIMD are read into memory, aligned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import IntegrityError

_METRIC: Final = faiss.METRIC_INNER_PRODUCT
"""Vectors have length 1, so this is cosine similarity, and the order that Euclidean distance gives."""

_FAST_SCAN: Final = {
    IndexKind.IVF_PQ: faiss.IndexIVFPQFastScan,
    IndexKind.IVF_RABITQ1: faiss.IndexIVFRaBitQFastScan,
}
"""Kinds whose codes are laid out anew for SIMD once all are there."""


def _make_pq(lists: Any, dim: int, n: int) -> Any:
    """Return product quantisation of the vectors themselves.

    Of residuals it finds fewer of the neighbours of questions, which lie apart from the passages.
    """
    encoder = faiss.IndexIVFPQ(lists, dim, n, dim // 2, 4, _METRIC)
    encoder.by_residual = False
    encoder.pq.cp.min_points_per_centroid = 1  # FAISS would complain of small collections, on standard error
    return encoder


_ONE_BY_ONE: Final = 10
"""FAISS's way through lists for one query with a heap: faster here than the one it chooses.
Source: `IndexIVFFastScan.h`, `implem`."""

_Make = Callable[[Any, int, int], Any]
_MAKE: Final[Mapping[IndexKind, _Make]] = {
    IndexKind.IVF_FLAT: lambda lists, dim, n: faiss.IndexIVFFlat(lists, dim, n, _METRIC),
    IndexKind.IVF_SQ8: lambda lists, dim, n: faiss.IndexIVFScalarQuantizer(
        lists, dim, n, faiss.ScalarQuantizer.QT_8bit, _METRIC, True
    ),
    IndexKind.IVF_PQ: _make_pq,
    IndexKind.IVF_RABITQ1: lambda lists, dim, n: faiss.IndexIVFRaBitQ(lists, dim, n, _METRIC),
    IndexKind.IVF_RABITQ4: lambda lists, dim, n: faiss.IndexIVFRaBitQ(lists, dim, n, _METRIC, True, 4),
}


def make_lists(centroids: FloatMatrix) -> Any:
    """Return FAISS's flat index of the centroids: what ranks lists."""
    lists = faiss.IndexFlatIP(centroids.shape[1])
    lists.add(np.ascontiguousarray(centroids, dtype=np.float32))
    return lists


def train_encoder(lists: Any, sample: FloatMatrix, *, kind: IndexKind) -> bytes:
    """Return the bytes of an encoder trained on a sample; in one thread, so always the same."""
    encoder = _MAKE[kind](lists, lists.d, lists.ntotal)
    with threadpool_limits(1):
        encoder.train(sample)
    return _serialize(encoder)


def add_rows(
    encoder: bytes, lists: Any, vectors: FloatMatrix, labels: npt.NDArray[np.int32], *, kind: IndexKind
) -> bytes:
    """Return the bytes of an index of these rows; row `i` is number `i`, so lists ascend.

    Args:
        encoder: as `train_encoder` returns it.
        lists: as `make_lists` returns it.
        vectors: float32 [n_rows, dim]; mapped from a file, a block at a time is in memory.
        labels: int32 [n_rows], each row's list.
        kind: what the encoder was trained for.
    """
    numbers = np.arange(len(vectors), dtype=np.int64)
    return _serialize(build_index(encoder, lists, vectors, labels, ids=numbers, kind=kind))


def build_index(
    encoder: bytes,
    lists: Any,
    vectors: FloatMatrix,
    labels: npt.NDArray[np.int32],
    *,
    ids: npt.NDArray[np.int64],
    kind: IndexKind,
) -> Any:
    """Return FAISS's index of rows under their ids, int64 [n_rows]; see `add_rows`."""
    index = _deserialize(encoder, lists, path="the encoder of a codebook")
    step = 1 << 16
    for start in range(0, len(vectors), step):
        block = np.ascontiguousarray(vectors[start : start + step])
        numbers = np.ascontiguousarray(ids[start : start + len(block)])
        into = labels[start : start + len(block)].astype(np.int64)
        index.add_core(len(block), faiss.swig_ptr(block), faiss.swig_ptr(numbers), faiss.swig_ptr(into))
    if kind not in _FAST_SCAN:
        return index
    laid_out = _FAST_SCAN[kind](index)
    _put_in(lists, laid_out, path="lists laid out for SIMD")
    return laid_out


def resize_encoder(encoder: bytes, lists: Any) -> bytes:
    """Return the bytes of the same encoder for other lists, of any number."""
    index: Any = faiss.deserialize_index(np.frombuffer(encoder, dtype=np.uint8))
    index.nlist = lists.ntotal
    empty: Any = faiss.ArrayInvertedLists(index.nlist, index.code_size)
    index.replace_invlists(empty, True)
    empty.this.disown()  # the index frees them now
    return _serialize(index)


def open_lists(path: Path, lists: Any, *, n_rows: int) -> Any:
    """Return the index in a file, the shared centroids put in; its lists are mapped where they can be.

    Processes that open the same file share mapped lists. The file may be removed, but never changed,
    while it is open. FAISS 1.15 refuses a file that ends before its lists do.

    Raises:
        IntegrityError: the file holds no such index.

    Source: FAISS, `OnDiskInvertedLists.cpp`, `read_ArrayInvertedLists`.
    """
    try:
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise IntegrityError(path=str(path), expected="a FAISS index", found=str(error)) from error
    _put_in(lists, index, path=str(path))
    if isinstance(index, faiss.IndexIVFPQFastScan):
        index.implem = _ONE_BY_ONE
    if index.ntotal != n_rows:
        raise IntegrityError(path=str(path), expected=f"{n_rows} rows", found=f"{index.ntotal}")
    return index


def read_labels(index: Any, *, n_rows: int) -> npt.NDArray[np.int32]:
    """Return the list of each row: int32 [n_rows]."""
    labels = np.empty(n_rows, dtype=np.int32)
    for number in range(index.nlist):
        size = index.invlists.list_size(number)
        if size:
            labels[faiss.rev_swig_ptr(index.invlists.get_ids(number), size)] = number
    return labels


def _serialize(index: Any) -> bytes:
    """Return FAISS's bytes of an index, an empty one in the place of its centroids."""
    lists = index.quantizer
    index.own_fields = False
    index.quantizer = faiss.IndexFlatIP(index.d)
    data: bytes = faiss.serialize_index(index).tobytes()
    index.quantizer = lists
    return data


def _deserialize(data: bytes, lists: Any, *, path: str) -> Any:
    try:
        index: Any = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
    except RuntimeError as error:
        raise IntegrityError(path=path, expected="a FAISS index", found=str(error)) from error
    _put_in(lists, index, path=path)
    return index


def _put_in(lists: Any, index: Any, *, path: str) -> None:
    if index.d != lists.d or index.nlist != lists.ntotal or index.metric_type != lists.metric_type:
        expected = f"{lists.ntotal} lists of {lists.d} numbers"
        raise IntegrityError(path=path, expected=expected, found=f"{index.nlist} lists of {index.d} numbers")
    index.own_fields = False
    index.quantizer = lists
