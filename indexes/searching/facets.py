"""How many documents have which value of a column: exact counts over the rows a question may find.

A document counts once for each value that one of its visible rows has, so a list counts for each member. What
the caller may not see, or was not known at that time, counts nowhere. Texts that filters take for equal are
one value, shown as they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.times import format_micros
from indexes.masks.columns import BUILT_IN, read_column
from indexes.masks.text_columns import normalise_column
from indexes.searching.targets import Target

_BLOCK_ROWS: Final = 1 << 16


def list_values(
    targets: Sequence[Target], column: str, *, types: Mapping[str, AttributeType]
) -> pa.Table | None:
    """Return each value once beside the number of each document that has it; `None` without segments.

    Args:
        targets: one a segment.
        column: an attribute, or one of the columns every row has.
        types: attribute name -> type over all segments of the snapshot.

    Raises:
        FilterColumnError: the snapshot has no such column.
    """
    return _join([_list_pairs(target, column, types) for target in targets])


def count_values(
    parts: Iterable[pa.Table | None], column: str, *, types: Mapping[str, AttributeType], n: int
) -> list[dict[str, Any]]:
    """Return the `n` commonest values, each with its documents; ties in the order of the values.

    Args:
        parts: what `list_values` found, in different segments; a document may stand in several.
        column: an attribute, or one of the columns every row has.
        types: attribute name -> type over all segments of the snapshot.
        n: values wanted, at least 1.

    Returns:
        `value` and `documents` each; times in ISO 8601. Rows without a value count for none.
    """
    distinct = _join([part for part in parts if part is not None])
    if distinct is None:
        return []
    counted = distinct.group_by("value").aggregate([("document", "count")]).to_pylist()
    counted.sort(key=lambda row: (-row["document_count"], row["value"]))
    is_time = {**BUILT_IN, **types}[column] is AttributeType.TIME
    return [
        {
            "value": format_micros(row["value"]) if is_time else row["value"],
            "documents": row["document_count"],
        }
        for row in counted[:n]
    ]


def _join(parts: Sequence[pa.Table]) -> pa.Table | None:
    """Return the pairs of all parts, each once."""
    if not parts:
        return None
    return pa.concat_tables(parts).combine_chunks().group_by(["value", "document"]).aggregate([])


def _list_pairs(target: Target, column: str, types: Mapping[str, AttributeType]) -> pa.Table:
    """Return each value of the selected rows beside its document's number; no nulls."""
    values = read_column(column, target.view, types)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    blocks = list(target.selection.iterate_rows(_BLOCK_ROWS))
    rows = np.concatenate([np.empty(0, dtype=np.int64), *blocks])
    taken, documents = values.take(pa.array(rows)), pa.array(target.view.documents[rows])
    if pa.types.is_list(taken.type):
        documents = documents.take(pc.list_parent_indices(taken))
        taken = pc.list_flatten(taken)
    table = pa.table({"value": normalise_column(column, taken), "document": documents})
    return table.filter(pc.is_valid(table["value"]))
