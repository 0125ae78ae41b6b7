"""From a question to the rows it may find: as of T, by entitlements, by its filter; segment by segment.

What a caller's groups open and what a filter selects is the same for many questions, so both are kept,
and so are whole masks. Nothing kept depends on more than the key it is kept under; filters are told
apart by how they are written, because `1` equals `true` in Python.

What BM25 must know of these rows is counted once for all questions about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.digests import digest_bytes
from indexes.lexical.bm25 import Statistics, count_frequencies, sum_lengths
from indexes.masks.columns import evaluate_filter
from indexes.masks.known_columns import find_readable_names, find_readable_types
from indexes.masks.timelines import Timeline
from indexes.masks.visibility import is_open_zone, select_readable
from indexes.searching.recent import Recent
from indexes.segments.naming import number_name
from indexes.segments.view import SegmentView
from indexes.selections import Bits, IntVector, Selection, select_none

_KEPT: Final = 64
"""Masks kept of each sort: at a million rows a segment, some MB a segment."""

_KEPT_WITHOUT: Final = 8
"""Masks kept without a document: for as long as one question takes, or a few at once."""


_MAX_COUNTED: Final = 10_000
_MAX_NAME: Final = 256
"""Characters of a term or phrase that is kept; a longer one is counted anew."""


class Counts:
    """Lengths and document frequencies among the selected rows of a segment, field by field; thread-safe."""

    def __init__(self, view: SegmentView, selection: Selection) -> None:
        self._view, self._selection = view, selection
        self._lengths: dict[TextField, int] = {}
        self._frequencies: dict[tuple[TextField, str], int] = {}

    def find(self, field: TextField, terms: Iterable[str]) -> Statistics:
        """Return BM25's statistics of one field for some terms.

        Args:
            field: where they are looked for.
            terms: terms, phrases or beginnings, as `indexes.lexical.expressions` names them.
        """
        counted = self._frequencies
        found = {term: counted.get((field, term)) for term in terms}
        unknown = [term for term, frequency in found.items() if frequency is None]
        fresh: dict[str, int] = {}
        if unknown:
            fresh = count_frequencies(self._view.postings[field], unknown, self._selection)
            if len(counted) > _MAX_COUNTED:
                counted.clear()  # other threads hold what they read
            kept = ((term, frequency) for term, frequency in fresh.items() if len(term) <= _MAX_NAME)
            counted.update({(field, term): frequency for term, frequency in kept})
        known = {term: frequency for term, frequency in found.items() if frequency is not None}
        return Statistics(
            n_rows=self._selection.n_selected,
            total_length=self._sum_lengths(field),
            frequencies={**known, **fresh},
        )

    def _sum_lengths(self, field: TextField) -> int:
        length = self._lengths.get(field)
        if length is None:
            length = self._lengths[field] = sum_lengths(self._view.postings[field], self._selection)
        return length


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A segment and the rows of it that a question may find.

    Attributes:
        n_prefix: rows known at T, before the other rules.
        counts: of the words in the selected rows.
    """

    view: SegmentView
    selection: Selection
    n_prefix: int
    counts: Counts

    def find_document(self, doc_id: str) -> IntVector:
        """Return the rows of a document among the selected ones: int64 [n], ascending."""
        rows = np.flatnonzero(self.view.documents == number_name(doc_id))
        return rows[self.selection.has(rows)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What decides which rows a question may find.

    Attributes:
        as_of: microseconds, or `None` for now.
        principal: the caller; `None` for checks that look at all rows, whatever their groups and zones.
        filter: an expression, or `None`.
        without: a document whose own rows are left out; empty for none.
    """

    as_of: int | None
    principal: Principal | None
    filter: FilterExpression | None = None
    without: str = ""


class TargetFinder:
    """Finds the targets of questions; safe to share between threads."""

    def __init__(self, segments: Sequence[SegmentView]) -> None:
        self._segments = tuple(segments)
        self._timelines = tuple(Timeline(view.known_from, view.known_to) for view in segments)
        self._masks = Recent(_KEPT)
        self._readable = Recent(_KEPT)
        self._filtered = Recent(_KEPT)
        self._others = Recent(_KEPT_WITHOUT)

    def find(self, scope: Scope) -> tuple[Target, ...]:
        """Return one target a segment.

        Raises:
            FilterColumnError: the filter's `matches` looks where it cannot, or for nothing.
        """
        principal = scope.principal
        who = None if principal is None else (principal.groups, principal.zones)
        key = (scope.as_of, who, _name_filter(scope.filter))
        found: tuple[Target, ...] = self._masks.get(key, lambda: tuple(self._make(scope)))
        if scope.without:
            number, every = number_name(scope.without), found
            found = self._others.get(
                (*key, scope.without), lambda: tuple(_leave_out(target, number) for target in every)
            )
        return found

    def find_open(
        self, principal: Principal | None, expression: FilterExpression | None
    ) -> list[Bits | None]:
        """Return the rows of each segment that a caller and a filter open at some time, one bit each.

        Args:
            principal: as in `Scope`.
            expression: a filter, or `None`.

        Returns:
            Bits a segment; `None` for one whose rows are all open.

        Raises:
            FilterColumnError: as for `find`.
        """
        readable = self._find_readable(principal)
        filtered = self._find_filtered(expression)
        found: list[Bits | None] = []
        for number, view in enumerate(self._segments):
            held = [kept[number] for kept in (readable, filtered) if kept is not None]
            if principal is not None and not is_open_zone(view, principal):
                held = [np.zeros((view.n_rows + 7) // 8, dtype=np.uint8)]
            found.append(np.bitwise_and.reduce(held) if held else None)
        return found

    def find_types(
        self, principal: Principal | None, names: Sequence[str]
    ) -> dict[str, frozenset[AttributeType]]:
        """Return the types that attributes' values have in the rows a caller may read, at whatever time.

        Args:
            principal: as in `Scope`.
            names: of attributes; one that no such row has has no types.
        """
        open_ = list(self._iterate_open(principal))
        return {
            name: frozenset().union(*(find_readable_types(view, bits, name) for view, bits in open_))
            for name in names
        }

    def list_names(self, principal: Principal | None) -> frozenset[str]:
        """Return the attributes of the rows a caller may read, at whatever time; see `find_types`."""
        found = (find_readable_names(view, bits) for view, bits in self._iterate_open(principal))
        return frozenset().union(*found)

    def _iterate_open(self, principal: Principal | None) -> Iterator[tuple[SegmentView, Bits | None]]:
        readable = self._find_readable(principal)
        for number, view in enumerate(self._segments):
            if principal is None or is_open_zone(view, principal):
                yield view, None if readable is None else readable[number]

    def _make(self, scope: Scope) -> list[Target]:
        readable = self._find_readable(scope.principal)
        filtered = self._find_filtered(scope.filter)
        targets = []
        for number, (view, timeline) in enumerate(zip(self._segments, self._timelines, strict=True)):
            known = timeline.select(scope.as_of)
            selection = known
            if scope.principal is not None and not is_open_zone(view, scope.principal):
                selection = select_none(view.n_rows)
            elif readable is not None:
                selection = selection.restrict(readable[number])
            if filtered is not None:
                selection = selection.restrict(filtered[number])
            targets.append(
                Target(
                    view=view,
                    selection=selection,
                    n_prefix=known.n_prefix,
                    counts=Counts(view, selection),
                )
            )
        return targets

    def _find_readable(self, principal: Principal | None) -> list[Bits] | None:
        if principal is None:
            return None
        found: list[Bits] = self._readable.get(
            principal.groups, lambda: [select_readable(view, principal) for view in self._segments]
        )
        return found

    def _find_filtered(self, expression: FilterExpression | None) -> list[Bits] | None:
        if expression is None:
            return None
        found: list[Bits] = self._filtered.get(
            _name_filter(expression), lambda: [self._evaluate(expression, view) for view in self._segments]
        )
        return found

    @staticmethod
    def _evaluate(expression: FilterExpression, view: SegmentView) -> Bits:
        return np.packbits(evaluate_filter(expression, view), bitorder="little")


def _name_filter(expression: FilterExpression | None) -> str:
    """Return what tells a filter apart: short, for it is kept with the mask."""
    return "" if expression is None else digest_bytes(repr(expression).encode("utf-8", "surrogatepass"))


def _leave_out(target: Target, document: int) -> Target:
    others = np.packbits(target.view.documents != document, bitorder="little")
    selection = target.selection.restrict(others)
    return replace(target, selection=selection, counts=Counts(target.view, selection))
