"""The row table of a segment: its schema, its order, and its bytes.

Its attribute columns live in `attribute_columns`; the files beside the table are written in `writing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.errors import InputError, IntegrityError
from indexes.segments.attribute_columns import (
    MAX_COLUMNS,
    OTHERS,
    TypedRows,
    build_columns,
    build_typed_columns,
    make_fields,
    read_column_name,
    read_row_values,
)
from indexes.segments.attributes import TypedValue

_MAX_COLUMN_BYTES: Final = 2**31 - 1
_BLOCK_ROWS: Final = 4_096
_WRITE_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression=None)
_FIXED: Final = tuple(field for field in CHUNK_SCHEMA if field.name != "attributes")

CONTENT: Final = pa.field("content", pa.string())
"""A column of rows that were relabelled, null for others: digest of what the version's content is now.

The version keeps its name, which was the digest of what its content was at first."""


def check_chunks(chunks: pa.Table, *, zone: str) -> pa.Table:
    """Return `chunks` as `CHUNK_SCHEMA`, with `CONTENT` if they have it, after checking what a segment needs.

    Raises:
        InputError: there are no rows, columns differ, a chunk_id comes twice, a row is of another
            zone or is never visible, or a column is too large for one segment.
    """
    try:
        schema = CHUNK_SCHEMA.append(CONTENT) if CONTENT.name in chunks.column_names else CHUNK_SCHEMA
        table = chunks.select(schema.names).cast(schema).combine_chunks()
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise InputError(detail=f"a segment's rows must follow the chunk schema: {error}") from error
    if not table.num_rows:
        raise InputError(detail="a segment needs at least one row")
    zones = table["zone"].unique().to_pylist()
    if zones != [zone]:
        raise InputError(detail=f"a segment holds one zone: expected {zone!r}, found {sorted(zones)}")
    ids = table["chunk_id"].to_numpy()
    distinct = np.unique(ids)
    if len(distinct) != len(ids):
        raise InputError(detail=f"{len(ids) - len(distinct)} rows repeat the chunk_id of another row")
    never = np.flatnonzero(table["known_from"].to_numpy() >= table["known_to"].to_numpy())
    if len(never):
        detail = f"{len(never)} rows are never visible: chunk {ids[never[0]]} has known_from >= known_to"
        raise InputError(detail=detail)
    for name in table.column_names:
        if table[name].nbytes > _MAX_COLUMN_BYTES:
            detail = f"column {name} has {table[name].nbytes} bytes, over 2 GiB: use fewer rows a segment"
            raise InputError(detail=detail)
    return table


ORDERED_BY: Final = ("known_from", "chunk_id")
"""The columns that rows are ordered by."""


def find_row_order(chunks: pa.Table) -> npt.NDArray[np.int64]:
    """Return int64 [n]: the places of the rows in order of (known_from, chunk_id)."""
    return np.lexsort((chunks["chunk_id"].to_numpy(), chunks["known_from"].to_numpy()))


def list_fixed(columns: Collection[str]) -> tuple[pa.Field, ...]:
    """Return the fields of a row table that has these columns, those of attributes apart."""
    return (*_FIXED, CONTENT) if CONTENT.name in columns else _FIXED


def build_rows(chunks: pa.Table, order: npt.NDArray[np.int64], *, texts: Collection[str] = ()) -> pa.Table:
    """Return the row table of `chunks`, put in `order`: the chunk's columns, then those of its attributes.

    Every array is built anew, so that the bytes depend on the values alone.

    Args:
        chunks: rows as `CHUNK_SCHEMA` says.
        order: int64 [n].
        texts: attributes whose text is never a time, because somebody declared them strings.

    Raises:
        InputError: attributes are no JSON object, or hold a value that no attribute can have.
    """
    fixed = list_fixed(chunks.column_names)
    columns = [rebuild_column(chunks[field.name].take(order)) for field in fixed]
    fields, attributes = build_columns(chunks["attributes"].take(order), texts=texts)
    return pa.Table.from_arrays([*columns, *attributes], schema=pa.schema([*fixed, *fields]))


def stack_rows(tables: Sequence[pa.Table], order: npt.NDArray[np.int64]) -> pa.Table:
    """Return the rows of several row tables, put in `order`, as one table of all their rows would be."""
    joined = pa.concat_tables(tables, promote_options="default")
    fixed = list_fixed(joined.column_names)
    rebuilt = [rebuild_column(joined[field.name].take(order)) for field in fixed]
    keys = [key for key in map(read_column_name, joined.column_names) if key is not None]
    if OTHERS in joined.column_names or len(keys) > MAX_COLUMNS:
        fields, columns = build_typed_columns(_JoinedRows(joined, order))
    else:
        fields = make_fields(keys, has_others=False)
        columns = [rebuild_column(joined[field.name].take(order)) for field in fields]
    return pa.Table.from_arrays([*rebuilt, *columns], schema=pa.schema([*fixed, *fields]))


class _JoinedRows(TypedRows):
    def __init__(self, rows: pa.Table, order: npt.NDArray[np.int64]) -> None:
        self._rows, self._order = rows, order

    def iterate(self) -> Iterator[Sequence[dict[str, TypedValue]]]:
        columns = dict(zip(self._rows.column_names, self._rows.columns, strict=True))
        for start in range(0, len(self._order), _BLOCK_ROWS):
            yield [read_row_values(columns, row) for row in self._order[start : start + _BLOCK_ROWS].tolist()]


def save_rows(rows: pa.Table, path: Path) -> None:
    """Write the table as an Arrow IPC file of one uncompressed record batch."""
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, rows.schema, options=_WRITE_OPTIONS) as file,
    ):
        file.write_table(rows, max_chunksize=rows.num_rows)


def open_rows(path: Path, *, n_rows: int) -> pa.Table:
    """Map a row table into memory; each column is one chunk.

    Raises:
        IntegrityError: the file is no such table, or has other rows than its manifest says.
    """
    try:
        rows = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        is_right = rows.schema.equals(_make_schema(rows.column_names))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise IntegrityError(
            path=str(path), expected="an Arrow IPC file of rows", found=str(error)
        ) from error
    if not is_right:
        names = str(rows.schema.names[: 2 * len(_FIXED)])
        raise IntegrityError(path=str(path), expected="the columns of a row table", found=names)
    if rows.num_rows != n_rows or any(column.num_chunks != 1 for column in rows.columns):
        raise IntegrityError(path=str(path), expected=f"{n_rows} rows at once", found=f"{rows.num_rows}")
    known_from, ids = rows["known_from"].to_numpy(), rows["chunk_id"].to_numpy()
    steps = np.diff(known_from)
    if np.any(steps < 0) or np.any((steps == 0) & (np.diff(ids) <= 0)):
        raise IntegrityError(path=str(path), expected="rows by (known_from, chunk_id)", found="another order")
    return rows


def _make_schema(columns: Sequence[str]) -> pa.Schema:
    """Return the schema of a row table that has these attribute columns, among others."""
    keys = [key for key in map(read_column_name, columns) if key is not None]
    return pa.schema([*list_fixed(columns), *make_fields(keys, has_others=OTHERS in columns)])


def rebuild_column(column: pa.ChunkedArray) -> pa.Array:
    """Return the column as one array whose null slots hold zeros."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    if not array.null_count or not pa.types.is_integer(array.type):
        return array
    present = array.is_valid().to_numpy(zero_copy_only=False)
    bits = np.packbits(present, bitorder="little")
    values = array.fill_null(0).to_numpy()
    return pa.Array.from_buffers(array.type, len(array), [pa.py_buffer(bits), pa.py_buffer(values)])
