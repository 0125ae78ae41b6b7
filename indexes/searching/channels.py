"""The channels of a search: each finds its best rows over all segments, and scores any row asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from eagleray.contracts.hits import PlanKind
from eagleray.contracts.indexes import TextField
from indexes.dense.comparing import compare_rows
from indexes.dense.contracts import DenseIndex
from indexes.dense.flat import FlatIndex
from indexes.dense.neighbours import Neighbours
from indexes.dense.queries import DenseQuery
from indexes.lexical.bm25 import Statistics, merge_statistics
from indexes.lexical.scoring import find_best, score_some, weigh_terms
from indexes.planning.plans import Plan, plan_search
from indexes.searching.segment_threads import IN_TURN, SegmentThreads
from indexes.searching.targets import Target
from indexes.selections import IntVector

DoubleVector = npt.NDArray[np.float64]

_WORTH_SHARING: Final = 5_000.0
"""Cost of a search, as plans count it, from which other threads may take a part: about a millisecond."""

_WORTH_SENDING: Final = 4_096
"""Rows from which a GPU compares them: a core takes half a millisecond for so many of 384 numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of several segments: row `rows[i]` of target `parts[i]`, both int64 [n]."""

    parts: IntVector
    rows: IntVector

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: IntVector) -> Rows:
        """Return the rows at some places."""
        return Rows(parts=self.parts[places], rows=self.rows[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """A channel's best rows over all segments.

    Attributes:
        found: the rows, in no particular order; of equals, those of the lower chunk_id.
        greatest: the best score of all; 0 without rows.
        least: no row that is not among them scores more; minus infinity where there is none left.
    """

    found: Rows
    greatest: float
    least: float


class Channel(Protocol):
    """One way to score rows; scores grow with likeness."""

    def find(self, n: int) -> Best:
        """Return the `n` best rows, or all there are."""
        ...

    def score(self, rows: Rows) -> DoubleVector:
        """Return the score of each row: float64 [n]."""
        ...


class DenseChannel:
    """Cosine similarity, segment by segment as planned."""

    def __init__(
        self,
        targets: Sequence[Target],
        query: DenseQuery,
        *,
        is_exact: bool = False,
        threads: SegmentThreads = IN_TURN,
    ) -> None:
        """Take the question.

        Args:
            targets: one a segment.
            query: the vector.
            is_exact: whether every selected row is compared, whatever it costs.
            threads: that go through the segments.
        """
        self._targets, self._query, self._is_exact = targets, query, is_exact
        self._threads = threads
        self.plans: list[Plan] = []
        """What the last search did, one a target."""

    def find(self, n: int) -> Best:
        """Return the `n` most similar rows of each segment; see `Channel`."""
        plans = self.plans = [self._plan(target, n) for target in self._targets]
        threads = self._threads if sum(plan.cost for plan in plans) >= _WORTH_SHARING else IN_TURN
        found = threads.map(lambda part: self._search(part, plans[part], n), range(len(plans)))
        scores = [neighbours.similarities.astype(np.float64) for neighbours in found]
        return _merge(self._targets, [neighbours.rows for neighbours in found], scores, n=n)

    def score(self, rows: Rows) -> DoubleVector:
        """Return the cosine similarity of each row; see `Channel`."""
        scores = np.empty(len(rows), dtype=np.float64)
        for part, target in enumerate(self._targets):
            mine = rows.parts == part
            if mine.any():
                scores[mine] = compare_rows(target.view.vectors, rows.rows[mine], self._query.vector)
        return scores

    def _plan(self, target: Target, n: int) -> Plan:
        view = target.view
        index = None if self._is_exact or view.on_device is not None else view.inverted
        return plan_search(target.selection, k=n, index=index, efforts=view.efforts)

    def _search(self, part: int, plan: Plan, n: int) -> Neighbours:
        """Return the best rows, after twice the effort each time that too few were found."""
        target = self._targets[part]
        view, selection, effort = target.view, target.selection, plan.effort
        n = min(n, max(1, selection.n_selected))
        if plan.kind is not PlanKind.APPROXIMATE or view.inverted is None:
            flat: DenseIndex = FlatIndex(view.vectors, view.chunk_ids)
            if view.on_device is not None and selection.n_selected >= _WORTH_SENDING:
                flat = view.on_device
            return flat.search(self._query, k=n, selection=selection, effort=effort)
        while True:
            found = view.inverted.search(self._query, k=n, selection=selection, effort=effort)
            if len(found.rows) >= n:
                return found
            effort = effort.double()


class LexicalChannel:
    """BM25 of one field, its statistics those of the rows the question may find."""

    def __init__(
        self,
        targets: Sequence[Target],
        terms: Mapping[str, int],
        *,
        field: TextField = TextField.BODY,
        statistics: Statistics | None = None,
    ) -> None:
        """Take the question.

        Args:
            targets: one a segment.
            terms: what is asked for -> times it stands in the question (`indexes.lexical.expressions`).
            field: the part of the rows it is looked for in.
            statistics: of this field of all rows the question may find; `None` where the targets are all.
        """
        self._targets, self._field = targets, field
        self.statistics = count_words(targets, terms, field) if statistics is None else statistics
        self._weighted = weigh_terms(terms, self.statistics)

    def find(self, n: int) -> Best:
        """Return the `n` best rows that hold a term; see `Channel`.

        What the segments before have bounds what is looked for in the next; no row that `_merge` keeps is
        lost.
        """
        found, held, floor = [], np.empty(0), 0.0
        for target in self._targets:
            part = find_best(
                target.view.postings[self._field],
                self._weighted,
                target.selection,
                ids=target.view.chunk_ids,
                k=n,
                floor=floor,
            )
            found.append(part)
            held, floor = _raise_floor(np.concatenate([held, part.scores]), n=n, floor=floor)
        return _merge(self._targets, [part.rows for part in found], [part.scores for part in found], n=n)

    def score(self, rows: Rows) -> DoubleVector:
        """Return the BM25 score of each row; see `Channel`."""
        scores = np.zeros(len(rows), dtype=np.float64)
        for part, target in enumerate(self._targets):
            mine = rows.parts == part
            if mine.any():
                scores[mine] = score_some(target.view.postings[self._field], self._weighted, rows.rows[mine])
        return scores


def count_words(targets: Sequence[Target], terms: Iterable[str], field: TextField) -> Statistics:
    """Return BM25's statistics of one field of the rows a question may find."""
    return merge_statistics(target.counts.find(field, terms) for target in targets)


def keep_best(ids: IntVector, scores: DoubleVector, *, n: int) -> IntVector:
    """Return the places of the `n` best rows, ties by the lower chunk_id: best first.

    Args:
        ids: int64 [n_rows], chunk_ids.
        scores: float64 [n_rows].
        n: rows wanted.
    """
    return np.lexsort((ids, -scores))[:n]


def bound_scores(kept: DoubleVector, *, n: int) -> tuple[float, float]:
    """Return the greatest and the least score that `Best` tells of.

    Args:
        kept: of the `n` best rows, or all there are; best first.
        n: rows wanted.
    """
    greatest = float(kept[0]) if len(kept) else 0.0
    return greatest, float(kept[-1]) if len(kept) == n else -np.inf


def _merge(
    targets: Sequence[Target], rows: Sequence[IntVector], scores: Sequence[DoubleVector], *, n: int
) -> Best:
    """Return the `n` best rows of all segments.

    Args:
        targets: one a segment.
        rows: int64 [<= n] a segment: its best, best first.
        scores: of these rows.
        n: rows wanted.
    """
    found, values = _join(rows), np.concatenate([np.empty(0), *scores])
    if sum(map(bool, map(len, rows))) > 1:
        ids = [target.view.chunk_ids[part] for target, part in zip(targets, rows, strict=True)]
        best = keep_best(np.concatenate(ids), values, n=n)
        found, values = found.take(best), values[best]
    greatest, least = bound_scores(values, n=n)
    return Best(found=found, greatest=greatest, least=least)


def _raise_floor(scores: DoubleVector, *, n: int, floor: float) -> tuple[DoubleVector, float]:
    """Return the scores that count, and the least of the best `n`; `floor` where there are fewer."""
    if len(scores) < n:
        return scores, floor
    floor = float(np.partition(scores, len(scores) - n)[len(scores) - n])
    return scores[scores >= floor], floor


def _join(found: Sequence[IntVector]) -> Rows:
    parts = [np.full(len(rows), part, dtype=np.int64) for part, rows in enumerate(found)]
    empty = np.empty(0, dtype=np.int64)
    return Rows(parts=np.concatenate([empty, *parts]), rows=np.concatenate([empty, *found]))
