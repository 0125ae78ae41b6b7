"""The search of one snapshot whose segments are divided over shards: a question's steps, in order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import pyarrow as pa

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import (
    Explanation,
    FacetRequest,
    PlanKind,
    RerankingExplanation,
    SearchMode,
    SearchRequest,
    SearchResponse,
)
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import NOTHING_FITTED, Fitted
from eagleray.contracts.many_hits import HitGathering, ManyHits, read_attribute_name
from eagleray.contracts.ports import Embedder, Reranker
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from eagleray.errors import DocumentNotFoundError
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.fusion.relevance import choose_relevance
from indexes.lexical.bm25 import Statistics, merge_statistics
from indexes.lexical.expressions import find_query_terms
from indexes.searching.batch import MAX_BYTES
from indexes.searching.column_checks import ColumnChecks, Types
from indexes.searching.documents import join_rows
from indexes.searching.facets import count_values
from indexes.searching.likeness import choose_terms, find_mean, join_document
from indexes.searching.presented_hits import present_hits
from indexes.searching.ranked_answers import answer_question
from indexes.searching.relevance_rules import RelevanceRule, make_rule
from indexes.searching.request_checks import check_facets, check_many, check_request
from indexes.searching.reranked_rows import choose_reranker, rerank_rows
from indexes.searching.sharded.ports import ShardPort, ask_all
from indexes.searching.sharded.source import ShardedSource
from indexes.searching.sharded.steps import (
    CountWords,
    FindTypes,
    ListNames,
    ListRows,
    ListValues,
    ReadDocument,
    ShardQuestion,
)
from indexes.searching.targets import Scope
from indexes.searching.weights import Weights, choose_weights, list_boosts


@dataclass(slots=True)
class StepClock:
    """Milliseconds by step."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """Keep the time since the step before under a step's name."""
        now = time.perf_counter()
        self.laps[step] = round((now - self._last) * 1000.0, 3)
        self._last = now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """A question's words, and its vector where one is wanted."""

    terms: Counter[str]
    query: DenseQuery | None


class ShardedSearcher:
    """Answers questions by the shards of one snapshot; safe to share between threads.

    Answers are those of a `Searcher` of the whole snapshot, however its segments are divided, to the bit.
    """

    def __init__(
        self,
        snapshot: str,
        ports: Sequence[ShardPort],
        *,
        n_segments: int,
        embedder: Embedder,
        fitted: Fitted = NOTHING_FITTED,
        reranker: Reranker | None = None,
    ) -> None:
        """Take the parts.

        Args:
            snapshot: id of the snapshot.
            ports: to its shards, which have all its segments and none twice.
            n_segments: of the snapshot.
            embedder: of questions.
            fitted: weights of questions that name none, and of what speaks for their hits.
            reranker: of questions that ask for it.
        """
        self._snapshot, self._ports, self._n_segments = snapshot, tuple(ports), n_segments
        self._checks = ColumnChecks(self._find_types, self._list_names)
        self._embedder, self._fitted, self._reranker = embedder, fitted, reranker

    def under(self, asked: AskedSnapshot) -> ShardedSearcher:
        """Return what asks the shards to answer by the entitlements that rule the snapshot."""
        if asked.entitled_by == asked.snapshot:
            return self
        return ShardedSearcher(
            self._snapshot,
            [port.under(asked) for port in self._ports],
            n_segments=self._n_segments,
            embedder=self._embedder,
            fitted=self._fitted,
            reranker=self._reranker,
        )

    @property
    def snapshot(self) -> str:
        """Id of the snapshot."""
        return self._snapshot

    def search(self, request: SearchRequest, *, vector: FloatVector | None = None) -> SearchResponse:
        """Return the best hits the caller may see as of the request's time; see `SearchEngine`.

        Raises:
            QueryError: the request cannot be answered, or the vector does not fit; says why.
            FilterError: the filter names no column of the snapshot, or its value does not fit.
            ShardError: a shard has another snapshot, or a segment is with no shard; no answer is given.
            GuardError: a row outside the mask came up; no answer is given.
            ModelError: the reranker's model cannot be loaded, or gave a score that is not finite.
        """
        check_request(request)
        self.check_filter(request.filter, request.principal)
        reranker, reranking = choose_reranker(request, self._reranker), None
        weights, clock = choose_weights(request.ranking, self._fitted.ranking), StepClock()
        words = None if request.like else self._read(request, vector)
        clock.lap("encode")
        scope = Scope(as_of=request.as_of, principal=request.principal, filter=request.filter)
        if words is None:
            words = self._read_like(request.like, replace(scope, filter=None))
            scope = replace(scope, without=request.like)
        source = self._open_source(request, scope, words, weights)
        clock.lap("mask")
        ranked = answer_question(source, request, dense_weight=weights.dense)
        clock.lap("score")
        if reranker is not None:
            ranked, reranking = rerank_rows(ranked, source.read_texts(ranked), request, reranker)
            clock.lap("rerank")
        rule = None if request.like else self._make_rule(request, scope, source.statistics)
        hits, relevant = present_hits(source, ranked, request, rule=rule)
        clock.lap("present")
        explanation = self._explain(request, source, clock=clock, reranking=reranking)
        return SearchResponse(hits=tuple(hits), explanation=explanation, relevant=relevant)

    def search_many(
        self, requests: Sequence[SearchRequest], *, max_bytes: int = MAX_BYTES, n_threads: int = 0
    ) -> pa.Table:
        """Return the hits of many questions, asked one after the other: as `Searcher.search_many` does.

        Args:
            requests: the questions.
            max_bytes: of no account: one question is held at a time.
            n_threads: of no account: the shards work at the same time.

        Raises:
            QueryError: a request cannot be answered, or asks for more like a document.
            FilterError: a filter names no column of the snapshot, or its value does not fit.
            ShardError: as for `search`.
            GuardError: a row outside a mask came up; no answer is given.
        """
        del max_bytes, n_threads
        check_many(requests, self._reranker)
        return self._gather(requests, ()).table

    def search_columns(self, requests: Sequence[SearchRequest], *, columns: Sequence[str]) -> ManyHits:
        """Return the hits of `search_many` with more of what each hit has: as `Searcher.search_columns` does.

        Raises:
            FilterError: no caller knows an attribute of such a name, or a filter does not fit.
            QueryError, ShardError, GuardError: as `search_many`.
        """
        check_many(requests, self._reranker)
        self.check_attributes(columns, requests)
        return self._gather(requests, columns)

    def _gather(self, requests: Sequence[SearchRequest], columns: Sequence[str]) -> ManyHits:
        gathering = HitGathering(columns)
        for request in requests:
            gathering.add(self.search(replace(request, exact=True)).hits)
        return gathering.finish()

    def count_values(self, request: FacetRequest) -> list[dict[str, Any]]:
        """Return the commonest values of a column among what the caller may see: `value`, `documents`.

        Raises:
            QueryError: no value is wanted, or the name of the column is too long.
            FilterError: there is no such column, or the filter does not fit.
            ShardError: as for `search`.
        """
        check_facets(request)
        self._checks.check_column(request.column, request.principal)
        self.check_filter(request.filter, request.principal)
        scope = Scope(as_of=request.as_of, principal=request.principal, filter=request.filter)
        step = ListValues(snapshot=self._snapshot, scope=scope, column=request.column)
        parts = ask_all(self._ports, step)
        return count_values(parts, n=request.n)

    def show_document(self, request: DocumentRequest) -> ShownDocument:
        """Return what the caller may see of a document as of the request's time.

        Raises:
            DocumentNotFoundError: the caller sees no such document at that time, whether or not there is one.
            ShardError: as for `search`.
            GuardError: a row outside the mask came up; nothing is shown.
        """
        parts = ask_all(self._ports, ListRows(snapshot=self._snapshot, request=request))
        return join_rows(self._snapshot, request.doc_id, list(chain.from_iterable(parts)))

    def check_filter(self, expression: FilterExpression | None, principal: Principal) -> None:
        """Check that a caller may ask a filter, by the rows that the caller may read.

        Raises:
            FilterColumnError: it names no column that the caller knows, or a literal does not fit.
            ShardError: as for `search`.
        """
        self._checks.check_filter(expression, principal)

    def check_attributes(self, columns: Sequence[str], requests: Sequence[SearchRequest]) -> None:
        """Check that each attribute among some columns is known to one of the callers, where there are any.

        Raises:
            FilterColumnError: nobody who asks may read a row that has such an attribute.
            ShardError: as for `search`.
        """
        callers = list(dict.fromkeys(request.principal for request in requests))
        for name in filter(None, map(read_attribute_name, columns)):
            self._checks.check_attribute(name, callers)

    def close(self) -> None:
        """Do nothing: the shards belong to those who opened them."""

    def _find_types(self, principal: Principal | None, names: tuple[str, ...]) -> Types:
        step = FindTypes(snapshot=self._snapshot, principal=principal, names=names)
        parts = ask_all(self._ports, step)
        return {name: frozenset().union(*(part[name] for part in parts)) for name in names}

    def _list_names(self, principal: Principal | None) -> frozenset[str]:
        parts = ask_all(self._ports, ListNames(snapshot=self._snapshot, principal=principal))
        return frozenset().union(*parts)

    def _read(self, request: SearchRequest, vector: FloatVector | None) -> _Words:
        """Return the words of a question, and its vector where one is wanted."""
        terms = find_query_terms(request.query)
        if request.mode is SearchMode.LEXICAL:
            return _Words(terms=terms, query=None)
        if vector is None:
            vector = self._embedder.embed_queries([request.query])[0]
        return _Words(terms=terms, query=DenseQuery(vector, dim=self._embedder.identity.dim))

    def _read_like(self, doc_id: str, seen: Scope) -> _Words:
        """Return a document as a question.

        Raises:
            DocumentNotFoundError: the caller sees no such document at that time, whether or not there is one.
        """
        step = ReadDocument(snapshot=self._snapshot, scope=seen, doc_id=doc_id)
        parts = [part for part in ask_all(self._ports, step) if part is not None]
        if not parts:
            raise DocumentNotFoundError(doc_id=doc_id)
        document = join_document(parts)
        (counted,) = self._count(seen, tuple(document.terms), (TextField.BODY,))
        mean = find_mean(document)
        return _Words(terms=choose_terms(document.terms, counted), query=DenseQuery(mean, dim=len(mean)))

    def _open_source(
        self, request: SearchRequest, scope: Scope, words: _Words, weights: Weights
    ) -> ShardedSource:
        """Return the rows a question may find, ready to be looked for."""
        boosts, statistics = list_boosts(weights.boosts), None
        if request.mode is not SearchMode.DENSE:
            fields = (TextField.BODY, *(field for field, _ in boosts))
            statistics = self._count(scope, tuple(words.terms), fields)
        asked = ShardQuestion(
            scope=scope,
            mode=request.mode,
            k=request.k,
            terms=words.terms,
            boosts=boosts,
            query=None if request.mode is SearchMode.LEXICAL else words.query,
            is_exact=request.exact,
            statistics=statistics,
        )
        return ShardedSource(self._snapshot, self._ports, n_segments=self._n_segments, asked=asked)

    def _make_rule(self, request: SearchRequest, scope: Scope, counted: Statistics) -> RelevanceRule:
        """Return how hits are judged: by all rows that the caller may see, whatever the filter."""
        if scope.filter is not None:
            terms = tuple(counted.frequencies)
            (counted,) = self._count(replace(scope, filter=None), terms, (TextField.BODY,))
        weights = choose_relevance(self._fitted.relevance, mode=request.mode, as_of=request.as_of)
        return make_rule(counted, mode=request.mode, weights=weights)

    def _count(
        self, scope: Scope, terms: tuple[str, ...], fields: tuple[TextField, ...]
    ) -> tuple[Statistics, ...]:
        """Return what BM25 must know of all visible rows, one for each field."""
        step = CountWords(snapshot=self._snapshot, scope=scope, terms=terms, fields=fields)
        counted = ask_all(self._ports, step)
        return counted[0] if len(counted) == 1 else tuple(map(merge_statistics, zip(*counted, strict=True)))

    def _explain(
        self,
        request: SearchRequest,
        source: ShardedSource,
        *,
        clock: StepClock,
        reranking: RerankingExplanation | None,
    ) -> Explanation:
        segments, statistics = source.segments, source.statistics
        return Explanation(
            snapshot=self._snapshot,
            as_of=request.as_of,
            is_exact=all(segment.plan is not PlanKind.APPROXIMATE for segment in segments),
            segments=segments,
            document_frequencies=dict(statistics.frequencies),
            n_visible=statistics.n_rows,
            average_length=statistics.average_length,
            timings_ms=clock.laps,
            reranking=reranking,
        )
