"""The attribute columns of exchanged rows: their Arrow types, and a segment's values in them."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.times import format_micros
from eagleray.digests import canonical_json

COLUMN_TYPES: Final = {
    AttributeType.STRING: pa.string(),
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.TIME: pa.timestamp("us", tz="UTC"),
    AttributeType.STRINGS: pa.list_(pa.string()),
}
"""Column type by attribute type."""


def widen_column(column: pa.Array, *, found: AttributeType, wanted: AttributeType) -> pa.Array:
    """Return a segment's attribute column with the type the attribute has in the whole snapshot.

    A time that became text is the instant in ISO 8601, as hits show it.

    Args:
        column: as the segment stores it.
        found: its type there.
        wanted: the type that holds the values of all segments.
    """
    if found is wanted or {found, wanted} == {AttributeType.INTEGER, AttributeType.NUMBER}:
        return column.cast(COLUMN_TYPES[wanted])
    texts = [None if value is None else _to_text(value, found) for value in column.to_pylist()]
    if wanted is AttributeType.STRINGS:
        return pa.array([None if text is None else [text] for text in texts], COLUMN_TYPES[wanted])
    return pa.array(texts, COLUMN_TYPES[wanted])


def _to_text(value: Any, found: AttributeType) -> str:
    if found is AttributeType.TIME:
        return format_micros(value)
    return value if isinstance(value, str) else canonical_json(value).decode()
