"""Rows of many segments in one order, a block at a time: tables and vectors as exports write them.

Which rows may leave is decided before (`indexes.searching.targets`); each is checked once more here.

An attribute has one column, or one for each type where it has several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeType, AttributeTypes
from eagleray.contracts.exchange import ROW_SCHEMA, name_attribute_column
from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from indexes.masks.guard import guard_row
from indexes.searching.targets import Target
from indexes.segments.attribute_columns import find_columns
from indexes.segments.view import SegmentView
from indexes.selections import IntVector

BLOCK_ROWS: Final = 8_192
"""Rows that are in memory at once, and rows of one Parquet row group."""


COLUMN_TYPES: Final = {
    AttributeType.STRING: pa.string(),
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.TIME: pa.timestamp("us", tz="UTC"),
    AttributeType.STRINGS: pa.list_(pa.string()),
}
"""Column type by attribute type."""


def make_fields(attributes: AttributeTypes) -> list[pa.Field]:
    """Return the fields of exchanged attributes, by name and type."""
    return [
        pa.field(name_attribute_column(name, None if len(kinds) == 1 else kind), COLUMN_TYPES[kind])
        for name, kinds in attributes.items()
        for kind in kinds
    ]


def take_columns(rows: pa.Table, attributes: AttributeTypes) -> Sequence[pa.Array]:
    """Return the columns of exchanged attributes of some rows, as `make_fields` says.

    Args:
        rows: of a row table, its columns one chunk each.
        attributes: name -> types, of all rows that are exchanged.
    """
    columns = []
    for name, kinds in attributes.items():
        found = find_columns(rows, name)
        columns += [
            found[kind].cast(COLUMN_TYPES[kind]) if kind in found else pa.nulls(len(rows), COLUMN_TYPES[kind])
            for kind in kinds
        ]
    return columns


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBlock:
    """Some rows in the order of the export.

    Attributes:
        rows: as `make_row_schema` says.
        vectors: float32 [n_rows, dim], C-contiguous.
    """

    rows: pa.Table
    vectors: FloatMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """On whose behalf rows leave, and as of when; for the check of each row."""

    principal: Principal
    as_of: int | None


def make_row_schema(attributes: AttributeTypes) -> pa.Schema:
    """Return the schema of exported rows without vectors: the fixed columns, then attributes by name."""
    return pa.schema([*ROW_SCHEMA, *make_fields(attributes)])


def iterate_blocks(
    targets: Sequence[Target], *, attributes: AttributeTypes, caller: RowReader
) -> Iterator[RowBlock]:
    """Yield the selected rows of all targets, ordered by (known_from, chunk_id).

    Of every row only its place is held (28 bytes); all else exists for one block.

    Args:
        targets: a segment and its selected rows each.
        attributes: name -> types of its values, in all rows that the caller may read.
        caller: for whom each row is checked again.

    Raises:
        GuardError: a selected row is none the caller may see.
    """
    parts, rows = order_rows(targets)
    for start in range(0, len(rows), BLOCK_ROWS):
        end = start + BLOCK_ROWS
        yield _make_block(targets, parts[start:end], rows[start:end], attributes=attributes, caller=caller)


def order_rows(targets: Sequence[Target]) -> tuple[npt.NDArray[np.int32], IntVector]:
    """Return int32 [n] and int64 [n]: the target and the row of each selected row, in the export's order."""
    parts, rows, known, ids = [], [], [], []
    for part, target in enumerate(targets):
        for some in target.selection.iterate_rows(1 << 20):
            parts.append(np.full(len(some), part, dtype=np.int32))
            rows.append(some)
            known.append(target.view.known_from[some])
            ids.append(target.view.chunk_ids[some])
    if not rows:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
    order = np.lexsort((np.concatenate(ids), np.concatenate(known)))
    return np.concatenate(parts)[order], np.concatenate(rows)[order]


def _make_block(
    targets: Sequence[Target],
    parts: npt.NDArray[np.int32],
    rows: IntVector,
    *,
    attributes: AttributeTypes,
    caller: RowReader,
) -> RowBlock:
    """Return a block: each segment's rows are taken together, then all are put in order."""
    tables, vectors, places = [], [], []
    for part in np.unique(parts):
        mine = np.flatnonzero(parts == part)
        view = targets[int(part)].view
        for row in rows[mine].tolist():
            guard_row(view, row, as_of=caller.as_of, principal=caller.principal)
        tables.append(_take_rows(view, rows[mine], attributes))
        vectors.append(view.vectors[rows[mine]])
        places.append(mine)
    back = np.argsort(np.concatenate(places))
    return RowBlock(
        rows=pa.concat_tables(tables).take(back).combine_chunks(),
        vectors=np.ascontiguousarray(np.concatenate(vectors)[back]),
    )


def _take_rows(view: SegmentView, rows: IntVector, attributes: AttributeTypes) -> pa.Table:
    taken = view.rows.take(rows).combine_chunks()
    known_to = view.known_to[rows]
    replaced = {
        "known_to": pa.array(known_to, mask=known_to == OPEN_END).cast(pa.timestamp("us", tz="UTC")),
        "groups": list_groups_of(view, rows),
    }
    schema = make_row_schema(attributes)
    columns = [
        replaced[name] if name in replaced else taken[name].cast(ROW_SCHEMA.field(name).type)
        for name in ROW_SCHEMA.names
    ]
    columns += take_columns(taken, attributes)
    return pa.Table.from_arrays(columns, schema=schema)


def list_groups_of(view: SegmentView, rows: IntVector) -> pa.Array:
    """Return list<string> [len(rows)]: the groups of each row, sorted, patches applied."""
    names = pa.array(view.group_names[1:], pa.string())
    order = pc.sort_indices(names).to_numpy()
    bits = view.group_bits[1:][order][:, rows >> 3] >> (rows & 7).astype(np.uint8) & 1
    of_row, of_group = np.nonzero(bits.T)
    offsets = np.searchsorted(of_row, np.arange(len(rows) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, names.take(order).take(of_group))
