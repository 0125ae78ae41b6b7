"""The search of one snapshot: mask, plan, candidates, ranking, guard, hits, explanation."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.hits import FacetRequest, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.manifests import FittedRanking
from eagleray.contracts.ports import Embedder, Reranker
from eagleray.errors import QueryError
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.lexical.expressions import find_query_terms
from indexes.masks.guard import guard_row
from indexes.searching.answering import Question, answer_question
from indexes.searching.batch import MAX_BYTES, BatchSearcher
from indexes.searching.channels import DenseChannel
from indexes.searching.checking import check_request
from indexes.searching.explaining import explain
from indexes.searching.facets import count_values
from indexes.searching.fields import open_words
from indexes.searching.highlights import Highlighter
from indexes.searching.likeness import read_likeness
from indexes.searching.presenting import make_hit
from indexes.searching.reranking import choose_reranker, rerank_rows
from indexes.searching.segment_threads import SegmentThreads
from indexes.searching.targets import Scope, Target, TargetFinder
from indexes.searching.weights import choose_weights
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
        fitted: FittedRanking | None = None,
        reranker: Reranker | None = None,
        n_threads: int = 1,
    ) -> None:
        """Take the parts.

        Args:
            snapshot: id of the snapshot.
            segments: its segments, patches applied.
            attributes: attribute name -> type over all segments.
            embedder: of questions.
            fitted: weights of questions that name none.
            reranker: of questions that ask for it.
            n_threads: that one search may use, its own with them; all searches share the others. Answers are
                the same for any number.
        """
        self._snapshot = snapshot
        self._fitted = fitted
        self._threads = SegmentThreads(n_threads)
        self._targets = TargetFinder(segments, attributes=attributes)
        self._batch = BatchSearcher(segments, self._targets, embedder, fitted=fitted, reranker=reranker)
        self._attributes = dict(attributes)
        self._embedder = embedder
        self._reranker = reranker

    @property
    def snapshot(self) -> str:
        """Id of the snapshot."""
        return self._snapshot

    def search(self, request: SearchRequest, *, vector: FloatVector | None = None) -> SearchResponse:
        """Return the best hits the caller may see as of the request's time; see `SearchEngine`.

        Raises:
            QueryError: the request cannot be answered, or the vector does not fit; says why.
            FilterError: the filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside the mask came up; no answer is given.
            ModelError: the reranker's model cannot be loaded, or gave a score that is not finite.
        """
        check_request(request)
        reranker, reranking = choose_reranker(request, self._reranker), None
        clock = _Clock()
        terms, vector = self._read(request, vector)
        clock.lap("encode")
        scope = Scope(as_of=request.as_of, principal=request.principal, filter=request.filter)
        targets: Sequence[Target] = self._targets.find(scope)
        if request.like:
            seen = self._targets.find(replace(scope, filter=None))
            like = read_likeness(request.like, seen=seen, targets=targets)
            terms, targets, vector = like.terms, like.targets, like.vector
        clock.lap("mask")
        weights = choose_weights(request.ranking, self._fitted)
        lexical = open_words(targets, terms, weights.boosts)
        dense = None
        if vector is not None and request.mode is not SearchMode.LEXICAL:
            query = DenseQuery(vector, dim=self._embedder.identity.dim)
            dense = DenseChannel(targets, query, is_exact=request.exact, threads=self._threads)
        question = Question(
            targets=targets,
            dense=dense,
            lexical=None if request.mode is SearchMode.DENSE else lexical,
            dense_weight=weights.dense,
        )
        ranked = answer_question(question, request)
        clock.lap("score")
        if reranker is not None:
            ranked, reranking = rerank_rows(ranked, targets, request, reranker)
            clock.lap("rerank")
        hits, highlighter = [], Highlighter(terms)
        for item in ranked:
            target = targets[item.part]
            guard_row(target.view, item.row, as_of=request.as_of, principal=request.principal)
            hit = make_hit(item, target, mode=request.mode, highlighter=highlighter, types=self._attributes)
            hits.append(hit)
        clock.lap("present")
        explanation = explain(
            self._snapshot, request, targets, dense=dense, statistics=lexical.statistics, laps=clock.laps
        )
        return SearchResponse(hits=tuple(hits), explanation=replace(explanation, reranking=reranking))

    def _read(
        self, request: SearchRequest, vector: FloatVector | None
    ) -> tuple[Counter[str], FloatVector | None]:
        """Return the words of a question, and its vector where one is wanted."""
        if request.like:
            return Counter(), None
        terms = find_query_terms(request.query)
        if request.mode is SearchMode.LEXICAL:
            return terms, None
        return terms, self._embedder.embed_queries([request.query])[0] if vector is None else vector

    def search_many(
        self, requests: Sequence[SearchRequest], *, max_bytes: int = MAX_BYTES, n_threads: int = 0
    ) -> pa.Table:
        """Return the hits of many questions: a row a hit, as `batch.BATCH_SCHEMA` says.

        Ids, scores and ties are those of single searches that say `exact`; texts are left out.

        Args:
            requests: the questions, each with a time, a caller and a filter of its own.
            max_bytes: memory that similarities and kept words may take at once.
            n_threads: threads that share the work; 0 takes every core this process may use.

        Raises:
            QueryError: a request cannot be answered, or asks for more like a document.
            FilterError: a filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside a mask came up; no answer is given.
        """
        for request in requests:
            check_request(request)
            if request.like:
                raise QueryError(detail="more like a document is asked alone, not among many questions")
            choose_reranker(request, self._reranker)
        return self._batch.search(requests, max_bytes=max_bytes, n_threads=n_threads)

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

    def close(self) -> None:
        """End the threads that searches share; they end, too, when nobody holds the searcher any more."""
        self._threads.close()


@dataclass(slots=True)
class _Clock:
    """Milliseconds by step."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = round((now - self._last) * 1000.0, 3)
        self._last = now
