"""Rows of questions to requests; a row that cannot be asked becomes a dead letter with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.bounds import MAX_QUESTION
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options
from eagleray.contracts.times import check_instant, parse_instant
from eagleray.errors import FilterError, InputError, InvalidTimeError, QueryError

_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unzoned:
    """A timestamp without a zone, which names no moment: `value` units since 1970 somewhere."""

    value: int


Moment = int | str | Unzoned | None
"""Microseconds, text, a time to refuse, or nothing: the latest state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the questions of a job are asked.

    Attributes:
        options: of the search of each; every visible vector is compared, whatever they say.
        groups: of the job's caller. A question may name fewer for itself, never others.
        parse_filter: reads a filter.
        filters: filters that were read, or why they cannot be.
    """

    options: SearchOptions
    groups: frozenset[str]
    parse_filter: Callable[[str], Any]
    filters: dict[str, FilterExpression | InputError] = field(default_factory=dict)

    def make_request(self, row: dict[str, Any]) -> SearchRequest:
        """Return the request of a row, its `as_of` as `list_moments` gives it.

        Raises:
            InputError: it cannot be asked; says why.
        """
        query = row.get("query")
        if not query or not query.strip():
            raise QueryError(detail="the query is empty; ask a question in words")
        if len(query) > MAX_QUESTION:
            detail = f"the query has {len(query)} characters; at most {MAX_QUESTION:,} are read"
            raise QueryError(detail=detail)
        zones = row.get("zones")
        return SearchRequest(
            query=query,
            as_of=_find_instant(row.get("as_of")),
            filter=self._read_filter(row.get("filter") or ""),
            principal=Principal(
                subject="job",
                groups=self._find_groups(row),
                zones=None if zones is None else frozenset(_list_names(zones, "zones")),
            ),
            **pick_options(replace(self.options, exact=True)),
        )

    def _read_filter(self, text: str) -> FilterExpression | None:
        if not text.strip():
            return None
        if text not in self.filters:
            try:
                self.filters[text] = self.parse_filter(text)
            except InputError as error:
                self.filters[text] = error
        found = self.filters[text]
        if isinstance(found, InputError):
            raise found
        return found

    def _find_groups(self, row: dict[str, Any]) -> frozenset[str]:
        """Return the groups of a question: those it names, none where it names none, else the job's."""
        if "groups" not in row:
            return self.groups
        named = frozenset(_list_names(row["groups"] or [], "groups"))
        others = sorted(named - self.groups)
        if others:
            detail = f"it asks for the group {others[0]!r}, which the job's caller does not have"
            raise QueryError(detail=f"{detail}; only --group gives groups")
        return named

    def refuse_filter(self, text: str, error: FilterError) -> None:
        """Remember that a filter, though it can be read, cannot be asked of this snapshot."""
        self.filters[text] = error


def list_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows as Python values; `as_of` as microseconds, text or nothing."""
    columns = {name: table[name].to_pylist() for name in table.column_names if name not in ("id", "as_of")}
    if "as_of" in table.column_names:
        columns["as_of"] = list_moments(table["as_of"])
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def list_moments(column: pa.ChunkedArray) -> list[Moment]:
    """Return times as microseconds, rounded down, or as text, whatever the column's type."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return [None if value is None else Unzoned(value=value) for value in _list_integers(column)]
        unit = _PER_SECOND[kind.unit]
        return [None if value is None else value * 1_000_000 // unit for value in _list_integers(column)]
    if pa.types.is_date(kind):
        days = column.cast(pa.date32()).cast(pa.int32()).to_pylist()
        return [None if value is None else value * 86_400_000_000 for value in days]
    found: list[Moment] = column.to_pylist()
    return found


def _list_integers(column: pa.ChunkedArray) -> list[int | None]:
    found: list[int | None] = column.cast(pa.int64()).to_pylist()
    return found


def _find_instant(value: Moment) -> int | None:
    if isinstance(value, Unzoned):
        reason = "timestamps of its column have no time zone; write them with one, or as ISO 8601 text"
        raise InvalidTimeError(text=str(value.value), reason=reason)
    if isinstance(value, str):
        return parse_instant(value)
    return None if value is None else check_instant(value)


def _list_names(names: list[str | None], column: str) -> list[str]:
    found = [name for name in names if name]
    if len(found) < len(names):
        raise QueryError(detail=f"its {column} hold an empty name")
    return found
