"""Many questions in one pass: the answers of single exact searches, to the bit, for a fraction of the time.

The list is cut into blocks whose distinct queries' similarities fit the memory. In a block the questions of a
view are answered together. Each distinct query is embedded once, alone, as a single search embeds it.

The fast path answers plain questions; whatever it does not know is asked as a single search.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Final

import numpy as np

from eagleray.contracts.hits import Ranking, SearchMode, SearchRequest
from eagleray.contracts.manifests import NOTHING_FITTED, Fitted, FittedRanking
from eagleray.contracts.many_hits import ManyHits
from eagleray.contracts.ports import Embedder, FloatMatrix, Reranker
from eagleray.contracts.times import LATEST
from indexes.dense.comparing import BLOCK_ROWS, compare_block
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.fusion.relevance import choose_relevance
from indexes.lexical.expressions import find_query_terms
from indexes.searching.batch.columns import Columns, join_columns
from indexes.searching.batch.found import Found, guard_found, join_found, tabulate
from indexes.searching.batch.groups import Group, answer_group, group_questions
from indexes.searching.batch.hit_values import read_values
from indexes.searching.batch.one_by_one import PreparedQuestion, answer_one
from indexes.searching.batch.views import View, make_view
from indexes.searching.batch.words import WordFinder
from indexes.searching.reranked_rows import choose_reranker
from indexes.searching.targets import TargetFinder
from indexes.searching.weights import choose_weights
from indexes.segments.view import SegmentView

MAX_BYTES: Final = 128 << 20
"""Memory of the similarities of one block of queries, and of the words that are kept."""

_WORDS_SHARE: Final = 4
"""One part in so many is for words."""


MAX_K: Final = 256
"""Hits of one question up to which the best are kept in a sorted list, where one more costs a shift of it."""

_PLAIN: Final = Ranking()
_KNOWN: Final = {
    name: getattr(_PLAIN, name)
    for name in ("boosts", "dense_weight", "min_score", "min_dense", "min_lexical", "n_per_document")
}
"""What a ranking may say."""


def is_plain(request: SearchRequest, fitted: FittedRanking | None) -> bool:
    """Return whether a question is one of words, by one or both channels, and for few hits.

    Args:
        request: the question.
        fitted: weights of the collection, if it has any.
    """
    if request.rerank or request.k > MAX_K or (request.as_of is not None and request.as_of > LATEST):
        return False
    ranking = request.ranking
    if ranking is not _PLAIN and replace(ranking, **_KNOWN) != _PLAIN:
        return False
    return request.mode is not SearchMode.HYBRID or 0.0 < choose_weights(ranking, fitted).dense < 1.0


def compare_all(
    segments: Sequence[SegmentView], queries: Sequence[DenseQuery], *, threads: Executor
) -> FloatMatrix:
    """Return the similarity of each query with each row: float32 [n_queries, n_rows].

    Args:
        segments: whose rows are compared, one segment after the other.
        queries: the queries.
        threads: share the work.
    """
    similarities = np.empty((len(queries), sum(view.n_rows for view in segments)), dtype=np.float32)
    vectors = [query.vector for query in queries]
    first = 0
    for view in segments:
        mine = similarities[:, first : first + view.n_rows]
        compare = partial(compare_block, view.vectors, vectors, similarities=mine)
        list(threads.map(compare, range(0, view.n_rows, BLOCK_ROWS)))
        first += view.n_rows
    return similarities


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionBlock:
    """Questions that are answered together.

    Attributes:
        places: of the questions in the list.
        terms: query -> its words.
        queries: query -> its vector, for questions that need one.
        similarities: float32 [n_queries, n_rows], a row a query that has a vector.
        numbers: query -> its row there.
    """

    places: Sequence[int]
    terms: Mapping[str, Mapping[str, int]]
    queries: Mapping[str, DenseQuery]
    similarities: FloatMatrix
    numbers: Mapping[str, int]

    def find_similarities(self, query: str, mode: SearchMode) -> FloatVector | None:
        """Return the query's similarity with every row: float32 [n_rows]; `None` where words alone answer."""
        return None if mode is SearchMode.LEXICAL else self.similarities[self.numbers[query]]


class BatchSearcher:
    """Answers lists of questions on the segments of one snapshot, always exactly."""

    def __init__(
        self,
        segments: Sequence[SegmentView],
        targets: TargetFinder,
        embedder: Embedder,
        *,
        fitted: Fitted = NOTHING_FITTED,
        reranker: Reranker | None = None,
    ) -> None:
        self._segments, self._targets, self._embedder = tuple(segments), targets, embedder
        self._fitted, self._reranker = fitted, reranker

    @cached_property
    def _columns(self) -> Columns:
        return join_columns(self._segments)

    def search(
        self,
        requests: Sequence[SearchRequest],
        *,
        max_bytes: int = MAX_BYTES,
        n_threads: int = 0,
        columns: Sequence[str] = (),
    ) -> ManyHits:
        """Return the hits of every question in the questions' order, the table as `BATCH_SCHEMA` says.

        Args:
            requests: checked; each is answered as if it said `exact`.
            max_bytes: memory that similarities and kept words may take. Beside it there are 40 bytes a row of
                the snapshot, some 60 a row of a view and 12 more for each boosted field, at most 20 a row for
                each thread, and the hits.
            n_threads: threads that share the work; 0 takes every core this process may use.
            columns: of hits that are read besides; only of those that come back, after they were checked.

        Raises:
            FilterError: a filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside a mask came up; no answer is given.
        """
        found, is_judged = list[Found](), "relevance" in columns
        with ThreadPoolExecutor(n_threads or _count_cores()) as threads:
            for block in self._cut(requests, threads, max_bytes=max_bytes):
                share = max_bytes // _WORDS_SHARE
                found += self._answer(requests, block, threads, max_bytes=share, is_judged=is_judged)
                del block  # else its similarities would stay while those of the next are computed
        joined = join_found(found)
        guard_found(joined, requests, self._segments, self._columns)
        return ManyHits(
            table=tabulate(joined, requests, self._segments, self._columns),
            values={name: read_values(name, joined, self._segments, self._columns) for name in columns},
        )

    def _cut(
        self, requests: Sequence[SearchRequest], threads: Executor, *, max_bytes: int
    ) -> Iterator[QuestionBlock]:
        """Yield blocks of questions whose distinct queries' similarities fit the memory."""
        places: dict[str, list[int]] = {}
        near: dict[str, None] = {}
        for place, request in enumerate(requests):
            places.setdefault(request.query, []).append(place)
            if request.mode is not SearchMode.LEXICAL:
                near[request.query] = None
        step = max(1, (max_bytes - max_bytes // _WORDS_SHARE) // max(1, 4 * self._columns.n_rows))
        texts = list(places)
        for start in range(0, len(texts), step):
            mine = texts[start : start + step]
            asked = [text for text in mine if text in near]
            queries = list(threads.map(self._embed, asked))
            yield QuestionBlock(
                places=[place for text in mine for place in places[text]],
                queries=dict(zip(asked, queries, strict=True)),
                terms={text: find_query_terms(text) for text in mine},
                similarities=compare_all(self._segments, queries, threads=threads),
                numbers={text: number for number, text in enumerate(asked)},
            )

    def _embed(self, text: str) -> DenseQuery:
        return DenseQuery(self._embedder.embed_queries([text])[0], dim=self._embedder.identity.dim)

    def _answer(
        self,
        requests: Sequence[SearchRequest],
        block: QuestionBlock,
        threads: Executor,
        *,
        max_bytes: int,
        is_judged: bool,
    ) -> Iterator[Found]:
        """Yield the hits of a block's questions, view by view; the fast path judges no hit."""
        plain: dict[Hashable, list[int]] = {}
        names: dict[int, str] = {}
        for place in block.places:
            request = requests[place]
            if not is_judged and is_plain(request, self._fitted.ranking):
                if id(request.filter) not in names:
                    names[id(request.filter)] = repr(request.filter)
                who = (request.principal.groups, request.principal.zones)
                plain.setdefault((who, names[id(request.filter)]), []).append(place)
            else:
                yield self._answer_one(request, place, block)
        for mine in plain.values():
            view = self._open_view(requests[mine[0]])
            finder = WordFinder(self._segments, self._columns, view, max_bytes=max_bytes)
            answer = partial(self._answer_group, view=view, finder=finder, block=block)
            yield from threads.map(answer, group_questions(requests, mine, fitted=self._fitted.ranking))

    def _open_view(self, request: SearchRequest) -> View:
        bits = self._targets.find_open(request.principal, request.filter)
        counts = [view.n_rows for view in self._segments]
        parts = [
            np.ones(n, dtype=np.bool_) if part is None else np.unpackbits(part, count=n, bitorder="little")
            for part, n in zip(bits, counts, strict=True)
        ]
        is_open = np.concatenate([np.empty(0, dtype=np.bool_), *parts]).astype(np.bool_)
        return make_view(self._columns, is_open)

    def _answer_group(self, group: Group, *, view: View, finder: WordFinder, block: QuestionBlock) -> Found:
        near = block.find_similarities(group.query, group.mode)
        return answer_group(group, view, finder, terms=block.terms[group.query], near=near)

    def _answer_one(self, request: SearchRequest, place: int, block: QuestionBlock) -> Found:
        near = block.find_similarities(request.query, request.mode)
        question = PreparedQuestion(
            request=request,
            place=place,
            terms=block.terms[request.query],
            weights=choose_weights(request.ranking, self._fitted.ranking),
            relevance=choose_relevance(self._fitted.relevance, mode=request.mode, as_of=request.as_of),
            near=None if near is None else (block.queries[request.query], near),
        )
        reranker = choose_reranker(request, self._reranker)
        return answer_one(question, finder=self._targets, columns=self._columns, reranker=reranker)


def _count_cores() -> int:
    """Return the cores this process may use, where the system can tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
