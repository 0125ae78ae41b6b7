"""The attribute columns of exchanged rows: one an attribute, or one for each type where it has several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from eagleray.contracts.documents import AttributeType, AttributeTypes
from eagleray.contracts.exchange import name_attribute_column
from indexes.segments.attribute_columns import find_columns

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
