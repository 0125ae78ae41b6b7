"""Matrices in files of other tools: where each row's numbers lie, found without any of their code.

Only headers are interpreted, and every number in them is held against the file's size, so a file from
anywhere can be read: nothing in it is executed. Rows are read by range, from a folder or a service.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import Store
from eagleray.errors import SourceError

_HEADER_BYTES: Final = 1 << 16
_FLOATS: Final = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))

_FAISS_HEADER: Final = struct.Struct("<iqqq?i")
"""dim, rows, two unused numbers, whether it is trained, metric.

Source: FAISS, `impl/index_write.cpp`, `write_index_header`, `write_index` of `IndexFlat` and `IndexIDMap`.
"""
_FLAT: Final = {b"IxFI": "IndexFlatIP", b"IxF2": "IndexFlatL2"}
_MAPS: Final = (b"IxMp", b"IxM2")
_NUMBER: Final = re.compile(r"[<>][fiu][248]")
_SIZE: Final = struct.Struct("<Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFile:
    """Where the rows of a matrix lie.

    Attributes:
        path: name in its store.
        dtype: of one number, as NumPy writes it.
        offset: first byte of the first row.
        lead: bytes of each row before its numbers: 4 where its length stands there, as in fvecs.
        ids: offset of int64 [n_rows], the ids of the rows, or -1.
    """

    path: str
    n_rows: int
    dim: int
    dtype: str
    offset: int
    lead: int = 0
    ids: int = -1

    @property
    def stride(self) -> int:
        """Bytes of one row."""
        return self.lead + self.dim * np.dtype(self.dtype).itemsize


def describe_array(store: Store, path: str, *, size: int) -> ArrayFile:
    """Return where the rows of a file of `size` bytes lie: `.npy`, `.fvecs`, or a flat FAISS index.

    Raises:
        SourceError: it is none of these, damaged, or holds something else than vectors.
    """
    head = store.read_range(path, 0, _HEADER_BYTES)
    parsers: dict[str, Callable[[str, bytes, int], ArrayFile]] = {
        ".npy": _describe_npy,
        ".fvecs": _describe_fvecs,
    }
    parse = parsers.get(PurePosixPath(path).suffix.lower())
    if parse is not None:
        return parse(path, head, size)
    return _describe_faiss(store, path, size)


def describe_ids(store: Store, path: str, *, size: int) -> ArrayFile:
    """Return where the ids of an `ids.npy` of `size` bytes lie: int64 [n_rows].

    Raises:
        SourceError: it is no such file.
    """
    shape, dtype, offset = _read_npy_header(path, store.read_range(path, 0, _HEADER_BYTES))
    if len(shape) != 1 or dtype != np.dtype("<i8"):
        raise _refuse(path, f"expected int64 [rows], found {dtype} {list(shape)}")
    file = ArrayFile(path=path, n_rows=shape[0], dim=1, dtype=dtype.str, offset=offset)
    return _check_end(file, size)


def read_rows(store: Store, file: ArrayFile, start: int, end: int) -> npt.NDArray[Any]:
    """Return rows `start` to `end` (exclusive) as they are stored: [end - start, dim].

    Raises:
        SourceError: bytes are missing, or a vector has another length than the first.
    """
    n_rows = end - start
    first = file.offset + start * file.stride
    data = store.read_range(file.path, first, first + n_rows * file.stride)
    if len(data) != n_rows * file.stride:
        raise _refuse(file.path, f"it ends within rows {start + 1} to {end}")
    records = np.frombuffer(data, dtype=np.uint8).reshape(n_rows, file.stride)
    if file.lead:
        lengths = np.ascontiguousarray(records[:, : file.lead]).view("<i4").reshape(-1)
        off = np.flatnonzero(lengths != file.dim)
        if len(off):
            row = int(off[0])
            raise _refuse(file.path, f"row {start + row + 1} has length {lengths[row]}, row 1 {file.dim}")
    return np.ascontiguousarray(records[:, file.lead :]).view(file.dtype)


def read_ids(store: Store, file: ArrayFile, start: int, end: int) -> npt.NDArray[np.int64]:
    """Return the ids of rows `start` to `end` of a file that has some: int64 [end - start]."""
    of_ids = replace(file, dim=1, dtype="<i8", offset=file.ids, lead=0, ids=-1)
    ids: npt.NDArray[np.int64] = read_rows(store, of_ids, start, end).reshape(-1)
    return ids


def _describe_npy(path: str, head: bytes, size: int) -> ArrayFile:
    shape, dtype, offset = _read_npy_header(path, head)
    if len(shape) != 2 or dtype.newbyteorder("=") not in _FLOATS:
        raise _refuse(
            path, f"expected float16, float32 or float64 [rows, numbers], found {dtype} {list(shape)}"
        )
    file = ArrayFile(path=path, n_rows=shape[0], dim=shape[1], dtype=dtype.str, offset=offset)
    return _check_end(file, size)


def _read_npy_header(path: str, head: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape, type and where the numbers begin.

    Source: NEP 1, "A Simple File Format for NumPy Arrays"; NumPy's own reader tries more than literals.
    """
    size = {b"\x01\x00": struct.Struct("<H"), b"\x02\x00": struct.Struct("<I")}.get(head[6:8])
    if head[:6] != b"\x93NUMPY" or size is None or len(head) < 8 + size.size:
        raise _refuse(path, "it is not a NumPy file of format 1 or 2")
    start = 8 + size.size
    end = start + size.unpack_from(head, 8)[0]
    try:
        header = ast.literal_eval(head[start:end].decode("latin-1").strip())
        shape, is_fortran, descr = (header[name] for name in ("shape", "fortran_order", "descr"))
        is_plain = _NUMBER.fullmatch(descr) is not None and is_fortran is False
        dtype = np.dtype(descr if is_plain else "V1")
        is_plain = is_plain and all(type(n) is int and n >= 0 for n in shape)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise _refuse(path, "it is not a NumPy file: its header is damaged") from error
    if not is_plain or end > len(head):
        raise _refuse(path, "expected numbers in C order; write it with numpy.ascontiguousarray")
    return tuple(shape), dtype, end


def _describe_fvecs(path: str, head: bytes, size: int) -> ArrayFile:
    dim = int.from_bytes(head[:4], "little", signed=True)
    stride = 4 + 4 * dim
    if len(head) < 4 or dim < 1 or size % stride:
        raise _refuse(path, f"it is not an fvecs file: it begins with the length {dim} and has {size} bytes")
    return ArrayFile(path=path, n_rows=size // stride, dim=dim, dtype="<f4", offset=0, lead=4)


def _describe_faiss(store: Store, path: str, size: int) -> ArrayFile:
    kind, n_rows, dim, place = _read_faiss_header(store, path, 0)
    is_map = kind in _MAPS
    if is_map:
        kind, n_rows, dim, place = _read_faiss_header(store, path, place)
    if kind not in _FLAT:
        detail = (
            f"it is not a FAISS index that import can read (it begins with {kind!r}): expected an "
            "IndexFlatIP or IndexFlatL2, alone or in an IndexIDMap; indexes with codes do not hold vectors"
        )
        raise _refuse(path, detail)
    file = ArrayFile(path=path, n_rows=n_rows, dim=dim, dtype="<f4", offset=place + _SIZE.size)
    end = file.offset + n_rows * file.stride
    is_whole = _read_size(store, path, place) == n_rows * dim
    if is_map:
        is_whole = is_whole and _read_size(store, path, end) == n_rows
        file = replace(file, ids=end + _SIZE.size)
        end += _SIZE.size + 8 * n_rows
    if not is_whole or end != size:
        raise _refuse(path, f"it is damaged: its header says {n_rows} vectors of {dim} numbers, {end} bytes")
    return file


def _read_faiss_header(store: Store, path: str, place: int) -> tuple[bytes, int, int, int]:
    """Return kind, rows, numbers of a vector, and where the header ends."""
    length = 4 + _FAISS_HEADER.size
    data = store.read_range(path, place, place + length)
    if len(data) != length or data[:4] not in (*_FLAT, *_MAPS):
        return data[:4], 0, 0, place
    dim, n_rows, _, _, _, metric = _FAISS_HEADER.unpack_from(data, 4)
    if dim < 1 or n_rows < 0 or metric not in (0, 1):
        raise _refuse(path, f"it is damaged: its header says {n_rows} vectors of {dim} numbers")
    return data[:4], n_rows, dim, place + length


def _read_size(store: Store, path: str, place: int) -> int:
    data = store.read_range(path, place, place + _SIZE.size)
    return int(_SIZE.unpack(data)[0]) if len(data) == _SIZE.size else -1


def _check_end(file: ArrayFile, size: int) -> ArrayFile:
    end = file.offset + file.n_rows * file.stride
    if end != size or file.dim < 1:
        raise _refuse(file.path, f"it is damaged: its header says {end} bytes, found {size}")
    return file


def _refuse(path: str, detail: str) -> SourceError:
    return SourceError(source=path, detail=detail)
