"""Fit what a hybrid search weighs to questions with known answers, and tell whether it helps.

Half of the questions decide the weights, the other half judges them: they are taken only where the questions
they have not seen are answered better than with the weights there were, by more than chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.hits import Ranking, SearchRequest, SearchResponse
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import FittedRanking
from eagleray.digests import digest_bytes
from eagleray.errors import InputError
from indexes.evaluation.metrics import ndcg_at_k
from indexes.fusion.convex import DENSE_WEIGHT

K: Final = 10
LEAST_QUESTIONS: Final = 40
"""Fewer cannot tell weights apart: the halves' means differ by more than the weights do."""

_DENSE: Final = tuple(step / 20 for step in range(20))
_BOOSTS: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
_SURE: Final = 1.96

Search = Callable[[SearchRequest], SearchResponse]
DoubleVector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuestion:
    """A question and what answers it.

    Attributes:
        request: the question, its time, filter and caller.
        relevant: doc_id -> grade, above 0.
    """

    request: SearchRequest
    relevant: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was fitted, and how it did on the questions it has not seen.

    Attributes:
        ranking: the weights.
        before: mean nDCG@10 of the unseen questions with the weights there were.
        after: the same with the fitted weights.
        margin: how far chance moves the difference of the two (95 %).
        n_unseen: questions that judged.
    """

    ranking: FittedRanking
    before: float
    after: float
    margin: float
    n_unseen: int

    @property
    def is_better(self) -> bool:
        """Whether the fitted weights answer better, by more than chance."""
        return self.after - self.before > self.margin


def fit_ranking(
    search: Search, questions: Sequence[JudgedQuestion], *, start: Ranking, fits_dense: bool = True
) -> Fit:
    """Fit the weights, one after the other: dense, title, heading, and dense again.

    Args:
        search: answers a request.
        questions: at least `LEAST_QUESTIONS`; their halves are the same whatever their order.
        start: the weights there are, all of them.
        fits_dense: whether the dense weight is fitted, or held while the boosts are.

    Raises:
        InputError: there are too few questions.
    """
    if len(questions) < LEAST_QUESTIONS:
        detail = (
            f"{len(questions)} judged questions are too few to fit weights to; at least {LEAST_QUESTIONS}"
        )
        raise InputError(detail=detail)
    seen, unseen = halve(questions)
    best = _climb(search, seen, _vary_dense(start), start) if fits_dense else start
    for field in (TextField.TITLE, TextField.HEADING):
        tries = [replace(best, boosts=_set(best.boosts or {}, field, weight)) for weight in _BOOSTS]
        best = _climb(search, seen, tries, best)
    if fits_dense and best.boosts != start.boosts:
        best = _climb(search, seen, _vary_dense(best), best)
    before, after = judge(search, unseen, start), judge(search, unseen, best)
    differences = after - before
    margin = _SURE * float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Fit(
        ranking=FittedRanking(
            dense_weight=DENSE_WEIGHT if best.dense_weight is None else best.dense_weight,
            boosts=dict(best.boosts or {}),
            n_questions=len(seen),
        ),
        before=float(before.mean()),
        after=float(after.mean()),
        margin=margin,
        n_unseen=len(unseen),
    )


def halve(questions: Sequence[JudgedQuestion]) -> tuple[list[JudgedQuestion], list[JudgedQuestion]]:
    """Return the half that decides and the half that judges, by the digests of queries.

    A query that is asked twice is not in both.

    Raises:
        InputError: nearly all are the same.
    """
    halves: tuple[list[JudgedQuestion], list[JudgedQuestion]] = ([], [])
    for question in sorted(questions, key=lambda item: item.request.query):
        halves[int(digest_bytes(question.request.query.encode())[:8], 16) % 2].append(question)
    if min(map(len, halves)) < 2:
        raise InputError(detail="the judged questions are nearly all the same; ask different ones")
    return halves


def _vary_dense(ranking: Ranking) -> list[Ranking]:
    return [replace(ranking, dense_weight=dense) for dense in _DENSE]


def _climb(
    search: Search, questions: Sequence[JudgedQuestion], tries: Sequence[Ranking], best: Ranking
) -> Ranking:
    """Return the weights that do best; those there are, where none does better."""
    means = {place: float(judge(search, questions, ranking).mean()) for place, ranking in enumerate(tries)}
    standing = float(judge(search, questions, best).mean())
    place = max(means, key=lambda item: (means[item], -item))
    return tries[place] if means[place] > standing else best


def judge(search: Search, questions: Sequence[JudgedQuestion], ranking: Ranking) -> DoubleVector:
    """Return the nDCG@10 of each question."""
    found = np.empty(len(questions))
    for place, question in enumerate(questions):
        hits = search(replace(question.request, k=K, ranking=ranking)).hits
        found[place] = ndcg_at_k([hit.doc_id for hit in hits], question.relevant, k=K)
    return found


def _set(boosts: Mapping[TextField, float], field: TextField, weight: float) -> dict[TextField, float]:
    others = {name: value for name, value in boosts.items() if name is not field}
    return {**others, field: weight} if weight else others
