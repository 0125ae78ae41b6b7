"""The search of one snapshot: mask, plan, candidates, ranking, guard, hits, explanation."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.hits import (
    FacetRequest,
    Granularity,
    SearchMode,
    SearchRequest,
    SearchResponse,
)
from eagleray.contracts.ports import Embedder
from eagleray.errors import QueryError
from indexes.dense.queries import DenseQuery
from indexes.lexical.analysis import ENGLISH
from indexes.masks.guard import guard_row
from indexes.searching.batch import MAX_BYTES, BatchSearcher
from indexes.searching.channels import Channel, DenseChannel, LexicalChannel
from indexes.searching.combining import COMBINE
from indexes.searching.explaining import explain
from indexes.searching.facets import count_values
from indexes.searching.presenting import make_hit
from indexes.searching.ranking import rank_rows
from indexes.searching.targets import Scope, TargetFinder
from indexes.segments.view import SegmentView


class Searcher:
    """Answers questions on the segments of one snapshot; safe to share between threads."""

    def __init__(
        self,
        snapshot: str,
        segments: Sequence[SegmentView],
        *,
        attributes: Mapping[str, AttributeType],
        embedder: Embedder,
    ) -> None:
        self._snapshot = snapshot
        self._targets = TargetFinder(segments, attributes=attributes)
        self._batch = BatchSearcher(segments, self._targets, embedder)
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
        check_request(request)
        clock = _Clock()
        terms = Counter(ENGLISH.find_terms(request.query))
        query = None
        if request.mode is not SearchMode.LEXICAL:
            vector = self._embedder.embed_queries([request.query])[0]
            query = DenseQuery(vector, dim=self._embedder.identity.dim)
        clock.lap("encode")
        scope = Scope(as_of=request.as_of, principal=request.principal, filter=request.filter)
        targets = self._targets.find(scope)
        clock.lap("mask")
        lexical = LexicalChannel(targets, terms)
        dense = DenseChannel(targets, query, is_exact=request.exact) if query is not None else None
        channels = _choose_channels(request.mode, dense, lexical)
        ranked = rank_rows(
            targets,
            channels,
            COMBINE[request.mode],
            k=request.k,
            is_by_document=request.granularity is Granularity.DOCUMENT,
        )
        clock.lap("score")
        hits = []
        for item in ranked:
            target = targets[item.part]
            guard_row(target.view, item.row, as_of=request.as_of, principal=request.principal)
            hit = make_hit(item, target, mode=request.mode, terms=terms, types=self._attributes)
            hits.append(hit)
        clock.lap("present")
        explanation = explain(
            self._snapshot, request, targets, dense=dense, statistics=lexical.statistics, laps=clock.laps
        )
        return SearchResponse(hits=tuple(hits), explanation=explanation)

    def search_many(self, requests: Sequence[SearchRequest], *, max_bytes: int = MAX_BYTES) -> pa.Table:
        """Return the hits of many questions: a row a hit, as `batch.BATCH_SCHEMA` says.

        Ids, scores and ties are those of single searches that say `exact`; texts are left out.

        Args:
            requests: the questions, each with a time, a caller and a filter of its own.
            max_bytes: memory that similarities may take at once.

        Raises:
            QueryError: a question is empty or its `k` is below 1.
            FilterError: a filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside a mask came up; no answer is given.
        """
        for request in requests:
            check_request(request)
        return self._batch.search(requests, max_bytes=max_bytes)

    def count_values(self, request: FacetRequest) -> list[dict[str, Any]]:
        """Return the commonest values of a column among what the caller may see: `value`, `documents`.

        Raises:
            QueryError: no value is wanted.
            FilterError: there is no such column, or the filter does not fit.
        """
        if request.n < 1:
            raise QueryError(detail=f"n must be at least 1, found {request.n}")
        scope = Scope(as_of=request.as_of, principal=request.principal, filter=request.filter)
        targets = self._targets.find(scope)
        return count_values(targets, request.column, types=self._attributes, n=request.n)


def check_request(request: SearchRequest) -> None:
    """Refuse a question that cannot be asked.

    Raises:
        QueryError: it is empty, or its `k` is below 1.
    """
    if not request.query.strip():
        raise QueryError(detail="the query is empty; ask a question in words")
    if request.k < 1:
        raise QueryError(detail=f"k must be at least 1, found {request.k}")


def _choose_channels(mode: SearchMode, dense: DenseChannel | None, lexical: LexicalChannel) -> list[Channel]:
    if dense is None:
        return [lexical]
    return [dense] if mode is SearchMode.DENSE else [dense, lexical]


@dataclass(slots=True)
class _Clock:
    """Milliseconds by step."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = round((now - self._last) * 1000.0, 3)
        self._last = now
