"""The attribute columns of a row table: one for each name and type that occurs, the rarest together in one.

A column `attr.<type>.<name>` holds the values of one type, null where a row has none of it. A segment has at
most `MAX_COLUMNS` of them, those that most rows use; what else occurs stands in `attr.others`, a row's rest
as canonical JSON `{name: [type, value]}`. Which type a value has is decided in `attributes`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeType, AttributeTypes
from eagleray.digests import canonical_json
from indexes.segments.attributes import TypedValue, read_typed_values

MAX_COLUMNS: Final = 512
"""Columns of one name and one type that a segment has at most."""

OTHERS: Final = "attr.others"
"""The column of what has no column of its own; there only where something has none."""

ARROW_TYPES: Final = {
    AttributeType.STRING: pa.string(),
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.TIME: pa.int64(),
    AttributeType.STRINGS: pa.list_(pa.string()),
}
"""Column type by attribute type; times are microseconds."""

Key = tuple[str, AttributeType]
"""An attribute's name, and one of the types its values have."""

_PREFIX: Final = "attr."
_BLOCK_ROWS: Final = 4_096


def name_column(name: str, kind: AttributeType) -> str:
    """Return the name of the column of an attribute's values of one type."""
    return f"{_PREFIX}{kind}.{name}"


@lru_cache(maxsize=4_096)
def read_column_name(column: str) -> Key | None:
    """Return what a column holds; `None` for `OTHERS` and the columns every row has."""
    if not column.startswith(_PREFIX) or column == OTHERS:
        return None
    kind, _, name = column.removeprefix(_PREFIX).partition(".")
    return name, AttributeType(kind)


def make_fields(keys: Collection[Key], *, has_others: bool) -> list[pa.Field]:
    """Return the fields of attribute columns, by name and type, `OTHERS` last."""
    fields = [pa.field(name_column(name, kind), ARROW_TYPES[kind]) for name, kind in sorted(keys)]
    return [*fields, pa.field(OTHERS, pa.string())] if has_others else fields


def build_columns(
    documents: pa.ChunkedArray, *, texts: Collection[str] = ()
) -> tuple[list[pa.Field], list[pa.Array]]:
    """Return the columns of some rows' attributes with their fields.

    Args:
        documents: canonical JSON objects, one a row.
        texts: attributes whose text is never a time.

    Raises:
        InputError: one of them is no JSON object, or holds a value that no attribute can have.
    """
    return build_typed_columns(_Documents(documents, texts))


class TypedRows(ABC):
    """Rows as typed values by name, some at a time, as often as they are asked for."""

    @abstractmethod
    def iterate(self) -> Iterator[Sequence[dict[str, TypedValue]]]:
        """Yield the rows in order, in blocks."""


class _Documents(TypedRows):
    def __init__(self, documents: pa.ChunkedArray, texts: Collection[str]) -> None:
        self._documents, self._texts = documents, frozenset(texts)

    def iterate(self) -> Iterator[Sequence[dict[str, TypedValue]]]:
        last, values = "", dict[str, TypedValue]()
        for start in range(0, len(self._documents), _BLOCK_ROWS):
            block = []
            for document in self._documents.slice(start, _BLOCK_ROWS).to_pylist():
                if document != last:  # chunks of one document follow each other
                    last, values = document, read_typed_values(document, texts=self._texts)
                block.append(values)
            yield block


def build_typed_columns(rows: TypedRows) -> tuple[list[pa.Field], list[pa.Array]]:
    """Return the columns of some rows' attributes with their fields; Python holds some rows at a time."""
    counts: Counter[Key] = Counter()
    for block in rows.iterate():
        counts.update((name, kind) for values in block for name, (kind, _) in values.items())
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    kept = sorted(ranked[:MAX_COLUMNS])
    fields = make_fields(kept, has_others=len(ranked) > MAX_COLUMNS)
    parts = [_fill(block, kept, fields) for block in rows.iterate()]
    arrays = [pa.concat_arrays([part[place] for part in parts]) for place in range(len(fields))]
    return fields, arrays


def _fill(
    block: Sequence[dict[str, TypedValue]], kept: Sequence[Key], fields: Sequence[pa.Field]
) -> list[pa.Array]:
    places = {key: place for place, key in enumerate(kept)}
    columns: list[list[Any]] = [[None] * len(block) for _ in fields]
    for row, values in enumerate(block):
        rest = {}
        for name, (kind, value) in values.items():
            place = places.get((name, kind))
            if place is None:
                rest[name] = [kind, value]
            else:
                columns[place][row] = value
        if rest:
            columns[-1][row] = canonical_json(rest).decode("utf-8", "surrogatepass")
    return [pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)]


def list_types(rows: pa.Table) -> AttributeTypes:
    """Return the types of every attribute of a row table; names and types sorted."""
    keys = {key for key in map(read_column_name, rows.column_names) if key is not None}
    if OTHERS in rows.column_names:
        rests = pc.drop_null(rows[OTHERS]).to_pylist()
        keys.update(
            (name, AttributeType(kind)) for rest in rests for name, (kind, _) in json.loads(rest).items()
        )
    types: dict[str, list[AttributeType]] = {}
    for name, kind in sorted(keys):
        types.setdefault(name, []).append(kind)
    return {name: tuple(kinds) for name, kinds in types.items()}


def find_columns(rows: pa.Table, name: str) -> dict[AttributeType, pa.Array]:
    """Return the columns that hold values of an attribute, by type: at most one of them is set in a row.

    Args:
        rows: a row table whose columns are one chunk each.
        name: of the attribute; one that no row has gives nothing.
    """
    found = {}
    for kind in AttributeType:
        place = rows.schema.get_field_index(name_column(name, kind))
        if place >= 0:
            found[kind] = rows.column(place).chunk(0)
    if OTHERS in rows.column_names:
        found |= _find_others(rows[OTHERS].chunk(0), name)
    return found


def list_columns(rows: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    """Yield the name of an attribute with each of the columns that hold its values, `OTHERS` left out."""
    for column, values in zip(rows.column_names, rows.columns, strict=True):
        key = read_column_name(column)
        if key is not None:
            yield key[0], values.chunk(0)


def list_rare_names(rows: pa.Table, is_wanted: npt.NDArray[np.bool_] | None) -> frozenset[str]:
    """Return the attributes that some rows have in `OTHERS`.

    Args:
        rows: a row table.
        is_wanted: bool [n_rows]; `None` for all rows.
    """
    if OTHERS not in rows.column_names:
        return frozenset()
    others = rows[OTHERS].chunk(0)
    wanted = others if is_wanted is None else others.filter(pa.array(is_wanted))
    return frozenset(name for rest in pc.drop_null(wanted).to_pylist() for name in json.loads(rest))


def _find_others(others: pa.Array, name: str) -> dict[AttributeType, pa.Array]:
    """Return the columns of a rare attribute, read out of the rows whose rest may name it."""
    pattern = canonical_json(name).decode("utf-8", "surrogatepass") + ":"
    is_near = pc.fill_null(pc.match_substring(others, pattern), False)
    near = pc.indices_nonzero(is_near)
    columns: dict[AttributeType, list[Any]] = {}
    for row, text in zip(near.to_pylist(), others.take(near).to_pylist(), strict=True):
        rest = json.loads(text)
        if name in rest:
            kind = AttributeType(rest[name][0])
            columns.setdefault(kind, [None] * len(others))[row] = rest[name][1]
    return {kind: pa.array(values, ARROW_TYPES[kind]) for kind, values in columns.items()}


def read_row_values(columns: Mapping[str, pa.ChunkedArray], row: int) -> dict[str, TypedValue]:
    """Return the attributes that a row has, sorted by name.

    Args:
        columns: of a row table, by name.
        row: number of the row.
    """
    values: dict[str, TypedValue] = {}
    for column, array in columns.items():
        if not column.startswith(_PREFIX):
            continue
        cell = array[row]
        if not cell.is_valid:
            continue
        key = read_column_name(column)
        if key is None:
            rest = json.loads(cell.as_py())
            values |= {name: (AttributeType(kind), value) for name, (kind, value) in rest.items()}
        else:
            values[key[0]] = (key[1], cell.as_py())
    return dict(sorted(values.items()))
