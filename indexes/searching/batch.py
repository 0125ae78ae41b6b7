"""Many questions in one pass: the answers of single exact searches, to the bit, for a fraction of the time.

Questions are put in the order of their times, so that those asked as of one T share its masks and counts. A
block of queries is compared with every row by one GEMM, whose shortlists the exact comparison decides.
Each distinct query is embedded once, alone, as a single search embeds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.manifests import FittedRanking
from eagleray.contracts.ports import Embedder, FloatMatrix
from indexes.dense.neighbours import Neighbours
from indexes.dense.queries import DenseQuery
from indexes.dense.shortlists import find_by_shortlist
from indexes.dense.vectors import FloatVector
from indexes.lexical.expressions import find_query_terms
from indexes.masks.guard import guard_row
from indexes.planning.plans import Plan
from indexes.searching.answering import Question, answer_question
from indexes.searching.channels import DenseChannel
from indexes.searching.fields import open_words
from indexes.searching.ranking import Ranked
from indexes.searching.targets import Scope, Target, TargetFinder
from indexes.searching.weights import choose_weights
from indexes.segments.view import SegmentView

BATCH_SCHEMA: Final = pa.schema(
    [
        pa.field("question", pa.int64(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("dense", pa.float64()),
        pa.field("lexical", pa.float64()),
    ]
)
"""A row a hit: the place of its question in the list, its rank from 1, and its scores."""

MAX_BYTES: Final = 128 << 20
"""Memory of the similarities of one block of queries."""


class BatchSearcher:
    """Answers lists of questions on the segments of one snapshot, always exactly."""

    def __init__(
        self,
        segments: Sequence[SegmentView],
        targets: TargetFinder,
        embedder: Embedder,
        *,
        fitted: FittedRanking | None = None,
    ) -> None:
        self._segments, self._targets, self._embedder = tuple(segments), targets, embedder
        self._fitted = fitted

    def search(self, requests: Sequence[SearchRequest], *, max_bytes: int = MAX_BYTES) -> pa.Table:
        """Return the hits of every question, as `BATCH_SCHEMA` says, in the questions' order.

        Args:
            requests: checked; each is answered as if it said `exact`.
            max_bytes: memory that similarities may take.

        Raises:
            FilterError: a filter names no column of the snapshot, or its value does not fit.
            GuardError: a row outside a mask came up; no answer is given.
        """
        answers: list[Answer | None] = [None] * len(requests)
        for block in self._cut(requests, max_bytes=max_bytes):
            for place in sorted(block.places, key=lambda place: _order(requests[place])):
                answers[place] = self._answer(requests[place], block)
        return _tabulate([answer for answer in answers if answer is not None])

    def _cut(self, requests: Sequence[SearchRequest], *, max_bytes: int) -> Iterator[Block]:
        """Yield blocks of questions whose distinct queries' similarities fit the memory."""
        places: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            places.setdefault(request.query, []).append(place)
        n_rows = sum(segment.n_rows for segment in self._segments)
        step = max(1, max_bytes // max(1, 4 * n_rows))
        texts = list(places)
        for start in range(0, len(texts), step):
            mine = texts[start : start + step]
            near = [
                text
                for text in mine
                if any(requests[place].mode is not SearchMode.LEXICAL for place in places[text])
            ]
            dim = self._embedder.identity.dim
            queries = {text: DenseQuery(self._embedder.embed_queries([text])[0], dim=dim) for text in near}
            yield Block(
                places=[place for text in mine for place in places[text]],
                queries=queries,
                terms={text: find_query_terms(text) for text in mine},
                similarities=self._compare(list(queries.values())),
                numbers={text: number for number, text in enumerate(near)},
            )

    def _compare(self, queries: Sequence[DenseQuery]) -> list[FloatMatrix]:
        """Return the similarities of all rows: float32 [n_queries, n_rows] a segment."""
        if not queries:
            return [np.empty((0, segment.n_rows), dtype=np.float32) for segment in self._segments]
        asked = np.stack([query.vector for query in queries])
        return [asked @ segment.vectors.T for segment in self._segments]

    def _answer(self, request: SearchRequest, block: Block) -> Answer:
        scope = Scope(as_of=request.as_of, principal=request.principal, filter=request.filter)
        targets = self._targets.find(scope)
        weights = choose_weights(request.ranking, self._fitted)
        dense = lexical = None
        if request.mode is not SearchMode.LEXICAL:
            number = block.numbers[request.query]
            rows = [similarities[number] for similarities in block.similarities]
            dense = ComparedChannel(targets, block.queries[request.query], rows)
        if request.mode is not SearchMode.DENSE:
            lexical = open_words(targets, block.terms[request.query], weights.boosts)
        question = Question(
            targets=targets,
            dense=dense,
            lexical=lexical,
            dense_weight=weights.dense,
        )
        ranked = answer_question(question, request)
        for item in ranked:
            view = targets[item.part].view
            guard_row(view, item.row, as_of=request.as_of, principal=request.principal)
        return Answer(mode=request.mode, ranked=ranked, targets=targets)


class ComparedChannel(DenseChannel):
    """The exact dense channel, from similarities that are at hand."""

    def __init__(
        self, targets: Sequence[Target], query: DenseQuery, similarities: Sequence[FloatVector]
    ) -> None:
        super().__init__(targets, query, is_exact=True)
        self._similarities = similarities

    def _search(self, part: int, plan: Plan, n: int) -> Neighbours:
        target = self._targets[part]
        found = find_by_shortlist(
            self._similarities[part],
            target.view.vectors,
            target.view.chunk_ids,
            query=self._query,
            k=n,
            selection=target.selection,
        )
        return super()._search(part, plan, n) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Questions that are answered together.

    Attributes:
        places: of the questions in the list.
        queries: query -> its vector, for questions that need one.
        terms: query -> its words.
        similarities: one matrix a segment, a row a query.
        numbers: query -> its row there.
    """

    places: Sequence[int]
    queries: Mapping[str, DenseQuery]
    terms: Mapping[str, Mapping[str, int]]
    similarities: Sequence[FloatMatrix]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of one question's answer, and the targets they lie in."""

    mode: SearchMode
    ranked: Sequence[Ranked]
    targets: Sequence[Target]


def _order(request: SearchRequest) -> tuple[int, int, str]:
    """Return what puts questions that share masks beside each other, by time first."""
    is_now = request.as_of is None
    return (is_now, 0 if request.as_of is None else request.as_of, repr((request.principal, request.filter)))


def _tabulate(answers: Sequence[Answer]) -> pa.Table:
    """Return the hits as a table; document ids are looked up segment by segment."""
    ranked = [(question, item) for question, answer in enumerate(answers) for item in answer.ranked]
    views = [answers[question].targets[item.part].view for question, item in ranked]
    modes = [answers[question].mode for question, _ in ranked]
    places: dict[int, list[int]] = {}
    for place, view in enumerate(views):
        places.setdefault(id(view), []).append(place)
    doc_ids = np.empty(len(ranked), dtype=object)
    for mine in places.values():
        rows = pa.array([ranked[place][1].row for place in mine], pa.int64())
        doc_ids[mine] = views[mine[0]].rows["doc_id"].take(rows).to_pylist()
    starts = np.cumsum([0, *(len(answer.ranked) for answer in answers)])
    questions = np.array([question for question, _ in ranked], dtype=np.int64)
    return pa.table(
        {
            "question": questions,
            "rank": (np.arange(len(ranked)) - starts[questions] + 1).astype(np.int32),
            "chunk_id": [
                int(view.chunk_ids[item.row]) for view, (_, item) in zip(views, ranked, strict=True)
            ],
            "doc_id": doc_ids.tolist(),
            "score": [item.score for _, item in ranked],
            "dense": [
                None if mode is SearchMode.LEXICAL else item.scores[0]
                for mode, (_, item) in zip(modes, ranked, strict=True)
            ],
            "lexical": [
                None if mode is SearchMode.DENSE else item.scores[-1]
                for mode, (_, item) in zip(modes, ranked, strict=True)
            ],
        },
        schema=BATCH_SCHEMA,
    )
