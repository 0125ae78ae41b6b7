"""The row table of a segment: its schema, its order, and its bytes.

Typed attribute columns are cast in `attributes`; the files beside the table are written in
`writing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.documents import AttributeType
from eagleray.errors import InputError, IntegrityError
from indexes.segments.attributes import ARROW_TYPES, cast_attributes

ATTRIBUTE_PREFIX: Final = "attr."
"""What stands before an attribute's name in its column's name."""

_MAX_COLUMN_BYTES: Final = 2**31 - 1
_BLOCK_ROWS: Final = 4_096
_WRITE_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression=None)


def make_row_schema(attributes: Mapping[str, AttributeType]) -> pa.Schema:
    """Return the schema of a row table: the chunk's columns, then `attr.<name>` sorted by name."""
    fields = [field for field in CHUNK_SCHEMA if field.name != "attributes"]
    fields += [
        pa.field(f"{ATTRIBUTE_PREFIX}{name}", ARROW_TYPES[kind]) for name, kind in sorted(attributes.items())
    ]
    return pa.schema(fields)


def check_chunks(chunks: pa.Table, *, zone: str) -> pa.Table:
    """Return `chunks` as `CHUNK_SCHEMA` after checking what a segment needs of them.

    Raises:
        InputError: there are no rows, columns differ, a chunk_id comes twice, a row is of another
            zone or is never visible, or a column is too large for one segment.
    """
    try:
        table = chunks.select(CHUNK_SCHEMA.names).cast(CHUNK_SCHEMA).combine_chunks()
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


def find_row_order(chunks: pa.Table) -> npt.NDArray[np.int64]:
    """Return int64 [n]: the places of the rows in order of (known_from, chunk_id)."""
    return np.lexsort((chunks["chunk_id"].to_numpy(), chunks["known_from"].to_numpy()))


def build_rows(
    chunks: pa.Table, order: npt.NDArray[np.int64], attributes: Mapping[str, AttributeType]
) -> pa.Table:
    """Return the row table of `chunks`, put in `order`.

    Every array is built anew, so that the bytes depend on the values alone.

    Raises:
        InputError: a value of an attribute does not fit its type.
    """
    columns = [_rebuild(chunks[name].take(order)) for name in CHUNK_SCHEMA.names if name != "attributes"]
    columns += _cast_in_blocks(chunks["attributes"].take(order), attributes)
    return pa.Table.from_arrays(columns, schema=make_row_schema(attributes))


def order_rows(rows: pa.Table, order: npt.NDArray[np.int64]) -> pa.Table:
    """Return a row table put in `order`, every array built anew."""
    return pa.Table.from_arrays(
        [_rebuild(rows[name].take(order)) for name in rows.column_names], schema=rows.schema
    )


def _cast_in_blocks(documents: pa.ChunkedArray, attributes: Mapping[str, AttributeType]) -> list[pa.Array]:
    """Return the attribute columns, sorted by name; Python's values of a block of rows exist at a time."""
    blocks = [
        cast_attributes(documents.slice(start, _BLOCK_ROWS).to_pylist(), attributes)
        for start in range(0, len(documents), _BLOCK_ROWS)
    ]
    return [pa.concat_arrays([block[name] for block in blocks]) for name in sorted(attributes)]


def save_rows(rows: pa.Table, path: Path) -> None:
    """Write the table as an Arrow IPC file of one uncompressed record batch."""
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, rows.schema, options=_WRITE_OPTIONS) as file,
    ):
        file.write_table(rows, max_chunksize=rows.num_rows)


def open_rows(path: Path, attributes: Mapping[str, AttributeType], *, n_rows: int) -> pa.Table:
    """Map a row table into memory; each column is one chunk.

    Raises:
        IntegrityError: the file is no such table, or has other rows than its manifest says.
    """
    try:
        rows = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(path=str(path), expected="an Arrow IPC file", found=str(error)) from error
    if not rows.schema.equals(make_row_schema(attributes)):
        raise IntegrityError(
            path=str(path), expected="the columns of its manifest", found=str(rows.schema.names)
        )
    if rows.num_rows != n_rows or any(column.num_chunks != 1 for column in rows.columns):
        raise IntegrityError(path=str(path), expected=f"{n_rows} rows at once", found=f"{rows.num_rows}")
    known_from, ids = rows["known_from"].to_numpy(), rows["chunk_id"].to_numpy()
    steps = np.diff(known_from)
    if np.any(steps < 0) or np.any((steps == 0) & (np.diff(ids) <= 0)):
        raise IntegrityError(path=str(path), expected="rows by (known_from, chunk_id)", found="another order")
    return rows


def _rebuild(column: pa.ChunkedArray) -> pa.Array:
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
