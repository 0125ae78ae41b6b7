"""What the hits of many questions have besides their scores: fields of their rows, and attributes.

Only rows that are hits are read, each once, however many questions found it. Whoever reads has guarded them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.many_hits import read_attribute_name
from indexes.masks.guard import list_groups
from indexes.searching.batch.columns import Columns
from indexes.searching.batch.found import Found
from indexes.searching.presenting import show_value
from indexes.segments.attribute_columns import find_columns
from indexes.segments.view import SegmentView
from indexes.selections import IntVector

_ReadField = Callable[[SegmentView, IntVector], list[Any]]

_FIELDS: Final[dict[str, _ReadField]] = {
    "zone": lambda view, rows: [view.zone] * len(rows),
    "groups": lambda view, rows: [list_groups(view, int(row)) for row in rows],
    "known_from": lambda view, rows: view.known_from[rows].tolist(),
    "known_to": lambda view, rows: view.known_to[rows].tolist(),
}
"""Fields that are no columns of the row table, or that patches change."""


def read_values(name: str, hits: Found, segments: Sequence[SegmentView], columns: Columns) -> list[Any]:
    """Return a field or an attribute of each hit, as a `Hit` has it; `None` where a row has none.

    Args:
        name: of the column, see `many_hits`.
        hits: that came back.
        segments: of the snapshot.
        columns: of all segments.
    """
    if name == "relevance":
        return list(hits.relevances.tolist())
    numbers = hits.numbers
    values: list[Any] = [None] * len(numbers)
    parts = columns.find_parts(numbers)
    for part, view in enumerate(segments):
        mine = np.flatnonzero(parts == part)
        rows, repeats = np.unique(numbers[mine] - columns.starts[part], return_inverse=True)
        found = _read(name, view, rows) if len(rows) else []
        for place, repeat in zip(mine.tolist(), repeats.tolist(), strict=True):
            values[place] = found[repeat]
    return values


def _read(name: str, view: SegmentView, rows: IntVector) -> list[Any]:
    attribute = read_attribute_name(name)
    if attribute is not None:
        return _read_attribute(attribute, view, rows)
    if name in _FIELDS:
        return _FIELDS[name](view, rows)
    values: list[Any] = view.rows[name].take(pa.array(rows)).to_pylist()
    return values


def _read_attribute(name: str, view: SegmentView, rows: IntVector) -> list[Any]:
    values: list[Any] = [None] * len(rows)
    for kind, column in find_columns(view.rows, name).items():
        for place, value in enumerate(column.take(pa.array(rows)).to_pylist()):
            if value is not None:
                values[place] = show_value(kind, value)
    return values
