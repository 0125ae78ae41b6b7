"""The search of one snapshot: mask, plan, scores, ranking, guard, hits, explanation."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.hits import (
    Explanation,
    Granularity,
    PlanKind,
    SearchMode,
    SearchRequest,
    SearchResponse,
    SegmentExplanation,
)
from eagleray.contracts.ports import Embedder
from eagleray.errors import QueryError
from indexes.dense.flat import FloatVector
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import Statistics
from indexes.masks.columns import evaluate_filter
from indexes.masks.guard import guard_row
from indexes.masks.visibility import select_visible
from indexes.searching.channels import (
    Scored,
    Selection,
    combine_channels,
    gather_statistics,
    score_dense,
    score_lexical,
)
from indexes.searching.presenting import make_hit
from indexes.searching.ranking import rank_rows
from indexes.segments.view import SegmentView


class Searcher:
    """Answers questions on the segments of one snapshot; exact, and safe to share between threads."""

    def __init__(
        self,
        snapshot: str,
        segments: Sequence[SegmentView],
        *,
        attributes: Mapping[str, AttributeType],
        embedder: Embedder,
    ) -> None:
        self._snapshot = snapshot
        self._segments = tuple(segments)
        self._attributes = dict(attributes)
        self._embedder = embedder

    @property
    def snapshot(self) -> str:
        """Id of the snapshot."""
        return self._snapshot

    def search(self, request: SearchRequest) -> SearchResponse:
        """Return the best hits the caller may see as of the request's time.

        Raises:
            QueryError: the question is empty or `k` is below 1.
            FilterError: the filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside the mask came up; no answer is given.
        """
        if not request.query.strip():
            raise QueryError(detail="the query is empty; ask a question in words")
        if request.k < 1:
            raise QueryError(detail=f"k must be at least 1, found {request.k}")
        clock = _Clock()
        terms = Counter(ENGLISH.find_terms(request.query))
        vector = None
        if request.mode is not SearchMode.LEXICAL:
            vector = self._embedder.embed_queries([request.query])[0]
        clock.lap("encode")
        selections = self.select(request)
        clock.lap("mask")
        statistics = gather_statistics(selections, terms)
        is_hybrid = request.mode is SearchMode.HYBRID
        scored = score_selections(selections, terms, vector, statistics=statistics, is_hybrid=is_hybrid)
        clock.lap("score")
        ranked = rank_rows(scored, k=request.k, is_by_document=request.granularity is Granularity.DOCUMENT)
        hits = []
        for item in ranked:
            found = scored[item.part]
            guard_row(found.selection.view, item.row, as_of=request.as_of, principal=request.principal)
            hits.append(make_hit(item, found, terms=terms, types=self._attributes))
        clock.lap("rank")
        explanation = self._explain(request, selections, statistics, timings=clock.laps)
        return SearchResponse(hits=tuple(hits), explanation=explanation)

    def select(self, request: SearchRequest) -> list[Selection]:
        """Return, segment by segment, the rows the question may see."""
        selections = []
        for view in self._segments:
            visible = select_visible(view, as_of=request.as_of, principal=request.principal)
            mask = visible.mask
            if request.filter is not None:
                mask = mask & evaluate_filter(request.filter, view, self._attributes)
            selections.append(Selection(view=view, n_prefix=visible.n_prefix, mask=mask))
        return selections

    def _explain(
        self,
        request: SearchRequest,
        selections: Sequence[Selection],
        statistics: Statistics,
        *,
        timings: dict[str, float],
    ) -> Explanation:
        segments = []
        for selection in selections:
            n_selected = int(np.count_nonzero(selection.mask))
            segments.append(
                SegmentExplanation(
                    segment=selection.view.digest,
                    plan=choose_plan(selection, n_selected=n_selected),
                    n_rows=selection.view.n_rows,
                    n_prefix=selection.n_prefix,
                    n_selected=n_selected,
                )
            )
        return Explanation(
            snapshot=self._snapshot,
            as_of=request.as_of,
            is_exact=True,
            segments=tuple(segments),
            document_frequencies=dict(statistics.frequencies),
            n_visible=statistics.n_rows,
            average_length=statistics.average_length,
            timings_ms=timings,
        )


def score_selections(
    selections: Sequence[Selection],
    terms: Mapping[str, int],
    vector: FloatVector | None,
    *,
    statistics: Statistics,
    is_hybrid: bool = True,
) -> list[Scored]:
    """Return the scores of the channels that take part."""
    if vector is None:
        return score_lexical(selections, terms, statistics=statistics)
    dense = score_dense(selections, vector)
    if not is_hybrid:
        return dense
    return combine_channels(dense, score_lexical(selections, terms, statistics=statistics))


def choose_plan(selection: Selection, *, n_selected: int) -> PlanKind:
    """Return how the segment is searched: nothing, all of a prefix, or the selected rows."""
    if not n_selected:
        return PlanKind.EMPTY
    return PlanKind.PREFIX if n_selected == selection.n_prefix else PlanKind.EXACT


@dataclass(slots=True)
class _Clock:
    """Milliseconds by step."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = round((now - self._last) * 1000.0, 3)
        self._last = now
