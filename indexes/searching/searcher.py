"""The search of one snapshot whose segments are all opened here: one shard has them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import FacetRequest, SearchRequest, SearchResponse
from eagleray.contracts.manifests import NOTHING_FITTED, Fitted
from eagleray.contracts.many_hits import ManyHits
from eagleray.contracts.ports import Embedder, FloatVector, Reranker
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from indexes.searching.batch import MAX_BYTES, BatchSearcher
from indexes.searching.request_checks import check_many
from indexes.searching.ruled import Ruled
from indexes.searching.segment_threads import SegmentThreads
from indexes.searching.sharded.ports import DirectPort
from indexes.searching.sharded.searcher import ShardedSearcher
from indexes.searching.sharded.shard import HeldSegments, Shard
from indexes.searching.targets import TargetFinder
from indexes.segments.view import SegmentView

Entitle: TypeAlias = Callable[[AskedSnapshot], Sequence[SegmentView]]
"""Returns the segments of a snapshot as another state of the collection lets them be read."""


class Searcher:
    """Answers questions on the segments of one snapshot; safe to share between threads."""

    def __init__(
        self,
        snapshot: str,
        segments: Sequence[SegmentView],
        *,
        embedder: Embedder,
        fitted: Fitted = NOTHING_FITTED,
        reranker: Reranker | None = None,
        n_threads: int = 1,
    ) -> None:
        """Take the parts.

        Args:
            snapshot: id of the snapshot.
            segments: its segments, patches applied.
            embedder: of questions.
            fitted: weights of questions that name none, and of what speaks for their hits.
            reranker: of questions that ask for it.
            n_threads: that one search may use, its own with them; all searches share the others. Answers are
                the same for any number.
        """
        self._threads = SegmentThreads(n_threads)
        targets = TargetFinder(segments)
        self._batch = BatchSearcher(segments, targets, embedder, fitted=fitted, reranker=reranker)
        self._reranker = reranker
        held = HeldSegments(range(len(segments)), targets, threads=self._threads)
        self._ruled: Ruled[Searcher] = Ruled(snapshot, None)
        make = partial(Searcher, snapshot, embedder=embedder, fitted=fitted)
        self._make = partial(make, reranker=reranker, n_threads=n_threads)
        self._searcher = ShardedSearcher(
            snapshot,
            [DirectPort(Shard(snapshot, held))],
            n_segments=len(segments),
            embedder=embedder,
            fitted=fitted,
            reranker=reranker,
        )

    @property
    def snapshot(self) -> str:
        """Id of the snapshot."""
        return self._searcher.snapshot

    def entitle_by(self, entitle: Entitle) -> Searcher:
        """Let the snapshot be asked under the entitlements of another as well; return this searcher.

        Args:
            entitle: returns the segments under the entitlements that a request names.
        """
        self._ruled = Ruled(self.snapshot, lambda asked: self._make(segments=entitle(asked)))
        return self

    def under(self, asked: AskedSnapshot) -> Searcher:
        """Return what answers from this snapshot by the entitlements that rule it; itself for its own.

        Raises:
            NotPublishedError: the snapshot that rules is not there.
            IntegrityError: something it needs is missing or damaged.
        """
        return self._ruled.find(self, asked)

    def search(self, request: SearchRequest, *, vector: FloatVector | None = None) -> SearchResponse:
        """Return the best hits the caller may see as of the request's time; see `SearchEngine`.

        Raises:
            QueryError: the request cannot be answered, or the vector does not fit; says why.
            FilterError: the filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside the mask came up; no answer is given.
            ModelError: the reranker's model cannot be loaded, or gave a score that is not finite.
        """
        return self._searcher.search(request, vector=vector)

    def search_many(
        self, requests: Sequence[SearchRequest], *, max_bytes: int = MAX_BYTES, n_threads: int = 0
    ) -> pa.Table:
        """Return the hits of many questions: a row a hit, as `many_hits.BATCH_SCHEMA` says.

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
        self._check_many(requests)
        return self._batch.search(requests, max_bytes=max_bytes, n_threads=n_threads).table

    def search_columns(self, requests: Sequence[SearchRequest], *, columns: Sequence[str]) -> ManyHits:
        """Return the hits of `search_many` with more of what each hit has; see `SearchEngine`.

        Raises:
            FilterError: no caller knows an attribute of such a name, or a filter does not fit.
            QueryError, GuardError: as `search_many`.
        """
        self._check_many(requests)
        self._searcher.check_attributes(columns, requests)
        return self._batch.search(requests, columns=columns)

    def _check_many(self, requests: Sequence[SearchRequest]) -> None:
        check_many(requests, self._reranker)
        for request in {(item.principal, id(item.filter)): item for item in requests}.values():
            self._searcher.check_filter(request.filter, request.principal)

    def count_values(self, request: FacetRequest) -> list[dict[str, Any]]:
        """Return the commonest values of a column among what the caller may see: `value`, `documents`.

        Raises:
            QueryError: no value is wanted.
            FilterError: there is no such column, or the filter does not fit.
        """
        return self._searcher.count_values(request)

    def show_document(self, request: DocumentRequest) -> ShownDocument:
        """Return what the caller may see of a document as of the request's time.

        Raises:
            DocumentNotFoundError: the caller sees no such document at that time, whether or not there is one.
            GuardError: a row outside the mask came up; nothing is shown.
        """
        return self._searcher.show_document(request)

    def close(self) -> None:
        """End the threads that searches share; they end, too, when nobody holds the searcher any more."""
        self._threads.close()
