"""Postings as one file: an Arrow IPC file of one row whose columns are the arrays, mapped when opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.errors import IntegrityError
from indexes.lexical.analysis import ANALYZER
from indexes.lexical.postings import IntegerVector, Postings
from indexes.lexical.vocabulary import Vocabulary
from indexes.selections import IntVector

FORMAT_VERSION: Final = 2

_HEADER: Final = {b"format_version": str(FORMAT_VERSION).encode(), b"analyzer": ANALYZER.encode()}
_DTYPES: Final = {
    "terms": ("uint8",),
    "term_offsets": ("int64",),
    "offsets": ("int64",),
    "rows": ("int32",),
    "frequencies": ("int32",),
    "lengths": ("int32",),
    "positions": ("uint16", "int32"),
    "position_offsets": ("int64",),
    "surfaces": ("uint8",),
    "surface_offsets": ("int64",),
    "surface_terms": ("int32",),
}
"""Column -> types its numbers may have, little-endian."""


def save_postings(postings: Postings, path: Path) -> None:
    """Write the postings; the same bytes for the same rows."""
    arrays = _list_arrays(postings)
    fields = [
        pa.field(name, pa.large_binary(), nullable=False, metadata={"dtype": str(values.dtype)})
        for name, values in arrays.items()
    ]
    schema = pa.schema(fields, metadata=_HEADER)
    columns = [_wrap(values) for values in arrays.values()]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        file.write_batch(pa.record_batch(columns, schema=schema))


def open_postings(path: Path) -> Postings:
    """Map postings into memory, after checking that no number points outside.

    Raises:
        IntegrityError: the file is missing or malformed, or was written under other rules.
    """
    arrays = _read_arrays(path)
    postings = Postings(
        vocabulary=Vocabulary(terms=arrays["terms"], offsets=arrays["term_offsets"]),
        offsets=arrays["offsets"],
        rows=arrays["rows"],
        frequencies=arrays["frequencies"],
        lengths=arrays["lengths"],
        positions=arrays["positions"],
        position_offsets=arrays["position_offsets"],
        surfaces=Vocabulary(terms=arrays["surfaces"], offsets=arrays["surface_offsets"]),
        surface_terms=arrays["surface_terms"],
    )
    fault = _find_fault(postings)
    if fault:
        raise IntegrityError(path=str(path), expected="consistent postings", found=fault)
    return postings


def _list_arrays(postings: Postings) -> dict[str, npt.NDArray[Any]]:
    return {
        "terms": postings.vocabulary.terms,
        "term_offsets": postings.vocabulary.offsets,
        "offsets": postings.offsets,
        "rows": postings.rows,
        "frequencies": postings.frequencies,
        "lengths": postings.lengths,
        "positions": postings.positions,
        "position_offsets": postings.position_offsets,
        "surfaces": postings.surfaces.terms,
        "surface_offsets": postings.surfaces.offsets,
        "surface_terms": postings.surface_terms,
    }


def _wrap(values: npt.NDArray[Any]) -> pa.Array:
    """Return an array's bytes as a column of one value, without copying them."""
    data = np.ascontiguousarray(values)
    offsets = np.array([0, data.nbytes], dtype=np.int64)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(path=str(path), expected="postings", found=str(error)) from error
    if table.schema.metadata != _HEADER or table.schema.names != list(_DTYPES) or table.num_rows != 1:
        found = f"{table.schema.metadata}, {table.num_rows} rows, {table.schema.names}"
        raise IntegrityError(path=str(path), expected=f"postings of {_HEADER}", found=found)
    return {field.name: _read_array(table, field, path) for field in table.schema}


def _read_array(table: pa.Table, field: pa.Field, path: Path) -> npt.NDArray[Any]:
    dtype = (field.metadata or {}).get(b"dtype", b"").decode()
    data = _find_bytes(table[field.name].chunk(0)) if pa.types.is_large_binary(field.type) else None
    if dtype not in _DTYPES[field.name] or data is None or data.size % np.dtype(dtype).itemsize:
        expected = f"{field.name} of {' or '.join(_DTYPES[field.name])}"
        raise IntegrityError(path=str(path), expected=expected, found=f"{field.type} of {dtype or 'no type'}")
    return np.frombuffer(data, dtype=dtype)


def _find_bytes(column: pa.LargeBinaryArray) -> pa.Buffer:
    """Return the bytes of a column's one value where they lie; a scalar would hold a copy."""
    _, offsets, data = column.buffers()
    start, end = np.frombuffer(offsets, dtype=np.int64)[column.offset : column.offset + 2]
    return data.slice(int(start), int(end - start))


def _find_fault(postings: Postings) -> str:
    """Return what is wrong with the arrays, or nothing."""
    if len(postings.rows) != len(postings.frequencies):
        return "rows and frequencies of different number"
    if not len(postings.offsets) == len(postings.vocabulary.offsets) == len(postings.position_offsets):
        return "another number of posting lists than of terms"
    if len(postings.surfaces) != len(postings.surface_terms):
        return "another number of surfaces than of their terms"
    for name, offsets, end in (
        ("posting", postings.offsets, len(postings.rows)),
        ("term", postings.vocabulary.offsets, len(postings.vocabulary.terms)),
        ("position", postings.position_offsets, len(postings.positions)),
        ("surface", postings.surfaces.offsets, len(postings.surfaces.terms)),
    ):
        if not len(offsets) or offsets[0] != 0 or offsets[-1] != end or np.any(np.diff(offsets) < 0):
            return f"{name} offsets that do not ascend from 0 to {end}"
    terms = postings.surface_terms
    if len(terms) and not 0 <= terms.min() <= terms.max() < postings.n_terms:
        return "a surface of a term that is not there"
    if not _are_lists_sound(
        postings.offsets, postings.rows, postings.frequencies, postings.position_offsets, postings.n_rows
    ):
        return "posting lists whose rows do not ascend within the segment, or with too few positions"
    return ""


@numba.njit(cache=True, nogil=True)
def _are_lists_sound(
    offsets: IntVector,
    rows: IntegerVector,
    frequencies: IntegerVector,
    position_offsets: IntVector,
    n_rows: int,
) -> bool:
    for term in range(len(offsets) - 1):
        previous = -1
        n_positions = 0
        for place in range(offsets[term], offsets[term + 1]):
            if rows[place] <= previous or rows[place] >= n_rows or frequencies[place] < 1:
                return False
            previous = rows[place]
            n_positions += frequencies[place]
        if n_positions != position_offsets[term + 1] - position_offsets[term]:
            return False
    return True
