"""The way of single searches, for questions that the fast path does not know; similarities are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import RelevanceWeights
from eagleray.contracts.ports import Reranker
from indexes.dense.neighbours import Collector, Neighbours
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.planning.plans import Plan
from indexes.searching.batch.columns import Columns
from indexes.searching.batch.found import Found
from indexes.searching.channels import Channel, DenseChannel, count_words
from indexes.searching.fields import open_words
from indexes.searching.local import LocalSource
from indexes.searching.ranked_answers import answer_question
from indexes.searching.ranking import Ranked
from indexes.searching.relevance_rules import make_rule
from indexes.searching.reranked_rows import read_texts, rerank_rows
from indexes.searching.targets import Scope, Target, TargetFinder
from indexes.searching.weights import Weights, list_boosts

_BLOCK_ROWS = 1 << 14


class ComparedChannel(DenseChannel):
    """The exact dense channel, from similarities that were computed before."""

    def __init__(
        self, targets: Sequence[Target], query: DenseQuery, similarities: FloatVector, columns: Columns
    ) -> None:
        super().__init__(targets, query, is_exact=True)
        self._similarities, self._columns = similarities, columns

    def _search(self, part: int, plan: Plan, n: int) -> Neighbours:  # noqa: ARG002 - that of the base class
        target, start = self._targets[part], int(self._columns.starts[part])
        collector = Collector(min(n, max(1, target.selection.n_selected)))
        for rows in target.selection.iterate_rows(_BLOCK_ROWS):
            collector.add(self._similarities[start + rows], rows=rows, ids=target.view.chunk_ids)
        return collector.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedQuestion:
    """One question, and what was made of it for its whole block.

    Attributes:
        place: in the list.
        terms: its words.
        weights: of its channels.
        relevance: weights of what speaks for a hit.
        near: its vector, and float32 [n_rows], the similarity of every row; `None` where words alone answer.
    """

    request: SearchRequest
    place: int
    terms: Mapping[str, int]
    weights: Weights
    relevance: RelevanceWeights
    near: tuple[DenseQuery, FloatVector] | None


def answer_one(
    question: PreparedQuestion, *, finder: TargetFinder, columns: Columns, reranker: Reranker | None
) -> Found:
    """Return the hits of one question.

    Args:
        question: what is asked.
        finder: of the rows it may find.
        columns: of all segments.
        reranker: where it asks for one.

    Raises:
        FilterColumnError: the filter names no column of the snapshot, or its value does not fit.
        GuardError: a candidate of the reranker lies outside the mask.
    """
    request, near, weights = question.request, question.near, question.weights
    targets = finder.find(Scope(as_of=request.as_of, principal=request.principal, filter=request.filter))
    is_worded = request.mode is not SearchMode.DENSE
    channels: list[Channel] = []
    if near is not None:
        channels.append(ComparedChannel(targets, near[0], near[1], columns))
    if is_worded:
        channels.append(open_words(targets, question.terms, list_boosts(weights.boosts)))
    ranked = answer_question(LocalSource(targets, channels), request, dense_weight=weights.dense)
    if reranker is not None:
        texts = read_texts(ranked, targets, as_of=request.as_of, principal=request.principal)
        ranked, _ = rerank_rows(ranked, texts, request, reranker)
    ranked, relevances = _judge(ranked, question, targets, finder)
    numbers = [int(columns.starts[item.part]) + item.row for item in ranked]
    return Found(
        questions=np.full(len(ranked), question.place, dtype=np.int64),
        numbers=np.array(numbers, dtype=np.int64),
        scores=np.array([item.score for item in ranked]),
        near=np.array([item.scores[0] for item in ranked]),
        words=np.array([item.scores[-1] for item in ranked]),
        reranked=np.array([item.reranked or 0.0 for item in ranked]),
        relevances=np.array(relevances),
    )


def _judge(
    ranked: Sequence[Ranked], question: PreparedQuestion, targets: Sequence[Target], finder: TargetFinder
) -> tuple[list[Ranked], list[float]]:
    """Return the rows that are relevant enough, and how relevant they are."""
    request, least = question.request, question.request.ranking.min_relevance
    seen = finder.find(Scope(as_of=request.as_of, principal=request.principal))
    counted = count_words(seen, question.terms, TextField.BODY)
    rule = make_rule(counted, mode=request.mode, weights=question.relevance)
    judged = list(zip(ranked, rule.judge(ranked, targets), strict=True))
    kept = [pair for pair in judged if least is None or pair[1] >= least]
    return [item for item, _ in kept], [relevance for _, relevance in kept]
