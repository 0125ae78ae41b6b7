"""How many documents have which value of a column, as one snapshot answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """One value of a column, and the documents that have it; a time is ISO 8601."""

    value: str | int | float | bool
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCounts:
    """The commonest values of a column among what the caller may see.

    Attributes:
        snapshot: id of the snapshot that answered.
        values: the commonest first, ties in the order of the values.
    """

    snapshot: str
    values: tuple[ValueCount, ...]


def make_counts(snapshot: str, rows: Iterable[Mapping[str, Any]]) -> ValueCounts:
    """Return the counts of `SearchEngine.count_values` with the snapshot they are of."""
    return ValueCounts(
        snapshot=snapshot,
        values=tuple(ValueCount(value=row["value"], documents=row["documents"]) for row in rows),
    )
