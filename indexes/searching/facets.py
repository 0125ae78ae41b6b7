"""How many documents have which value of a column: exact counts over the rows a question may find.

A document counts once for each value that one of its visible rows has, so a list counts for each member. What
the caller may not see, or was not known at that time, counts nowhere. Values that a filter takes for equal
are one: 1 and 1.0, 0 and -0, two forms of one text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.times import format_micros
from indexes.masks.columns import read_columns
from indexes.masks.text_columns import normalise_column
from indexes.searching.targets import Target

ValuePairs = Mapping[AttributeType, pa.Table]
"""Type -> each value of it once beside the number of each document that has it: `value`, `document`."""

_BLOCK_ROWS: Final = 1 << 16
_LEAST_WHOLE: Final = -(2.0**63)
_BEYOND_WHOLE: Final = 2.0**63


def list_values(targets: Sequence[Target], column: str) -> ValuePairs:
    """Return the values of a column in the selected rows.

    Args:
        targets: one a segment.
        column: an attribute, or one of the columns every row has.
    """
    return _join(_list_pairs(target, column) for target in targets)


def count_values(parts: Iterable[ValuePairs], *, n: int) -> list[dict[str, Any]]:
    """Return the `n` commonest values, each with its documents; ties by type and value.

    Args:
        parts: what `list_values` found, in different segments; a document may stand in several.
        n: values wanted, at least 1.

    Returns:
        `value` and `documents` each; times in ISO 8601. Rows without a value count for none.
    """
    counted = [
        (-row["document_count"], kind, row["value"])
        for kind, pairs in _join(parts).items()
        for row in pairs.group_by("value").aggregate([("document", "count")]).to_pylist()
    ]
    counted.sort(key=lambda item: (item[0], *_find_place(item[1], item[2])))
    return [
        {"value": format_micros(value) if kind is AttributeType.TIME else value, "documents": -count}
        for count, kind, value in counted[:n]
    ]


def _find_place(kind: AttributeType, value: Any) -> tuple[str, Any]:
    """Return what values are ordered by: whole and other numbers together."""
    return (AttributeType.INTEGER if kind is AttributeType.NUMBER else kind), value


def _join(parts: Iterable[ValuePairs]) -> dict[AttributeType, pa.Table]:
    """Return the pairs of all parts, each once."""
    tables: dict[AttributeType, list[pa.Table]] = {}
    for part in parts:
        for kind, pairs in part.items():
            tables.setdefault(kind, []).append(pairs)
    return {
        kind: pa.concat_tables(several).combine_chunks().group_by(["value", "document"]).aggregate([])
        for kind, several in tables.items()
    }


def _list_pairs(target: Target, column: str) -> ValuePairs:
    """Return each value of the selected rows beside its document's number; no nulls."""
    blocks = list(target.selection.iterate_rows(_BLOCK_ROWS))
    rows = np.concatenate([np.empty(0, dtype=np.int64), *blocks])
    documents = pa.array(target.view.documents[rows])
    found: list[dict[AttributeType, pa.Table]] = []
    for kind, values in read_columns(column, target.view).items():
        taken = values.take(pa.array(rows))
        if kind is AttributeType.STRINGS:
            pairs = pa.table(
                {"value": pc.list_flatten(taken), "document": documents.take(pc.list_parent_indices(taken))}
            )
        else:
            pairs = pa.table({"value": taken, "document": documents})
        found.append(_unify(kind, pairs.filter(pc.is_valid(pairs["value"])), column))
    return _join(found)


def _unify(kind: AttributeType, pairs: pa.Table, column: str) -> dict[AttributeType, pa.Table]:
    """Return pairs by type, values that are equal made the same."""
    if not pairs.num_rows:
        return {}
    if kind in (AttributeType.STRING, AttributeType.STRINGS):
        texts = normalise_column(column, pairs["value"])
        return {AttributeType.STRING: pairs.set_column(0, "value", texts)}
    if kind is not AttributeType.NUMBER:
        return {kind: pairs}
    values = pairs["value"].to_numpy()
    is_whole = (np.floor(values) == values) & (values >= _LEAST_WHOLE) & (values < _BEYOND_WHOLE)
    whole = pairs.filter(pa.array(is_whole))
    integers = whole.set_column(0, "value", pc.cast(whole["value"], pa.int64()))
    split = {AttributeType.INTEGER: integers, AttributeType.NUMBER: pairs.filter(pa.array(~is_whole))}
    return {part: table for part, table in split.items() if table.num_rows}
