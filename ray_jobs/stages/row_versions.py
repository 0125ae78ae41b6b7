"""Rows that name their document's version, brought together before they are arranged.

All rows of a version must agree on when it is known, who may read it and where it lies: else one row could
open another's groups, or its time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.documents import DeadLetter, DeadLetterReason

_AGREED: Final = ("known_from", "known_to", "groups", "zone", "source", "title", "event_time", "attributes")


def join_rows(delivered: pa.Table) -> tuple[pa.Table, tuple[DeadLetter, ...]]:
    """Give the rows of each version one position, so that they are one delivery.

    Args:
        delivered: chunk rows with `position` (`row 3`), of whole documents.

    Returns:
        The rows in the order of their places, without repeats, and a dead letter for each row of a version
        whose rows disagree or repeat a place within the document with other text.
    """
    names = ("doc_id", "version", "ordinal", "position", "text", *_AGREED)
    columns = {name: delivered[name].to_pylist() for name in names}
    rows_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(columns["doc_id"], columns["version"], strict=True)):
        rows_of[key].append(row)
    kept: list[int] = []
    positions: list[str] = []
    letters: list[DeadLetter] = []
    for key in sorted(rows_of):
        rows = sorted(
            rows_of[key], key=lambda row: find_place(columns["source"][row], columns["position"][row])
        )
        fault = _find_fault(columns, rows)
        if fault:
            letters += [_reject(columns, row, fault) for row in rows]
            continue
        first_of = {columns["ordinal"][row]: row for row in reversed(rows)}
        chosen = [first_of[ordinal] for ordinal in sorted(first_of)]
        kept += chosen
        positions += [columns["position"][rows[0]]] * len(chosen)
    table = delivered.take(pa.array(kept, pa.int64()))
    place = table.schema.get_field_index("position")
    joined = table.set_column(place, table.schema.field("position"), pa.array(positions, pa.string()))
    return joined, tuple(letters)


def find_place(source: str, position: str) -> tuple[str, int, str]:
    """Return what sorts rows by file and number: `row 9` comes before `row 10`."""
    return source, len(position), position


def _find_fault(columns: dict[str, list[Any]], rows: list[int]) -> str:
    for name in _AGREED:
        values = columns[name]
        if any(values[row] != values[rows[0]] for row in rows):
            return f"the rows of this version of the document differ in {name}; give them the same"
    texts: dict[int, str] = {}
    for row in rows:
        if texts.setdefault(columns["ordinal"][row], columns["text"][row]) != columns["text"][row]:
            return "two rows of this version of the document have the same ordinal and other text"
    return ""


def _reject(columns: dict[str, list[Any]], row: int, fault: str) -> DeadLetter:
    return DeadLetter(
        source=columns["source"][row],
        position=columns["position"][row],
        reason=DeadLetterReason.CONFLICTING_DUPLICATE,
        detail=f"{fault}; none of these rows is used",
        doc_id=columns["doc_id"][row],
    )
