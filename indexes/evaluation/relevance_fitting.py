"""Fit to a collection when a hit is relevant, from questions made of its own rows.

Half of the questions (`relevance_questions`) decide the weights, the other half judges them. Of what nothing
answers, half are own questions asked of other rows, half are questions from all walks of life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.manifests import RelevanceWeights
from eagleray.contracts.principals import Principal
from eagleray.digests import digest_bytes
from eagleray.errors import InputError
from indexes.evaluation.general_questions import GENERAL_QUESTIONS
from indexes.evaluation.logistic import fit_logistic
from indexes.evaluation.relevance_questions import OwnQuestion
from indexes.fusion.relevance import RELEVANT, HitEvidence, find_log_odds, weigh_evidence
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.coverage import share_words

LEAST_QUESTIONS: Final = 40
"""Fewer move weights by chance."""

OWN_SHARE: Final = 0.6
"""How much questions count that something answers: to deny an answer is worse than to show a useless hit."""

_N_ROUNDS: Final = 4
_DIGITS: Final = 3
"""Of weights: more differ between processors."""

Search = Callable[[SearchRequest], SearchResponse]
Found = Sequence[HitEvidence]
"""What speaks for each hit of a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What was found for some questions.

    Attributes:
        answers: what speaks for the hit that answers, of each question of which it came first.
        answered: what was found for these questions.
        others: what was found where nothing answers, for those that name their document.
        general: what was found for questions from all walks of life.
    """

    answers: tuple[HitEvidence, ...]
    answered: tuple[Found, ...]
    others: tuple[Found, ...]
    general: tuple[Found, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedShares:
    """How weights do: shares of questions.

    Attributes:
        own_rejected: that something answers, and of which it is denied.
        others_rejected: own ones, asked where nothing answers, of which it is said.
        general_rejected: from all walks of life, of which it is said that nothing answers.
    """

    own_rejected: float
    others_rejected: float
    general_rejected: float


def gather_samples(
    search: Search, questions: Sequence[OwnQuestion], *, principal: Principal
) -> tuple[Samples, Samples]:
    """Ask the questions, and return what was found for the half that decides and the half that judges.

    Args:
        search: answers a request.
        questions: at least `LEAST_QUESTIONS`; their halves are the same whatever their order.
        principal: the caller.

    Raises:
        InputError: there are too few questions.
    """
    if len(questions) < LEAST_QUESTIONS:
        detail = f"{len(questions)} questions are too few to learn relevance from; at least {LEAST_QUESTIONS}"
        raise InputError(detail=detail)
    halves: tuple[list[OwnQuestion], list[OwnQuestion]] = ([], [])
    for question in sorted(questions, key=lambda item: (item.query, item.doc_id)):
        halves[_pick_half(question.query)].append(question)
    general = [[text for text in GENERAL_QUESTIONS if _pick_half(text) == half] for half in (0, 1)]
    first, second = (_ask(search, own, texts, principal) for own, texts in zip(halves, general, strict=True))
    return first, second


def fit_weights(samples: Samples, *, start: RelevanceWeights, is_dense: bool) -> RelevanceWeights:
    """Return the weights that tell best what answers from what does not, near those there are.

    Where nothing answers, the hit counts that looks most as if it did; which one that is follows from the
    weights, so the fit is repeated.

    Args:
        samples: what was found.
        start: the weights of every collection.
        is_dense: whether vectors take part.
    """
    weights = start
    for _ in range(_N_ROUNDS):
        others = [kind for kind in (samples.others, samples.general) if any(kind)]
        rows = [samples.answers, *(_pick_best(kind, weights) for kind in others)]
        n = sum(map(len, rows))
        counted = [n * OWN_SHARE, *[n * (1.0 - OWN_SHARE) / len(others)] * len(others)]
        shares = np.concatenate(
            [np.full(len(part), share / len(part)) for part, share in zip(rows, counted, strict=True)]
        )
        weights = _make_weights(
            fit_logistic(
                np.array([_list_features(row, is_dense=is_dense) for part in rows for row in part]),
                np.arange(n) < len(samples.answers),
                shares=shares,
                start=np.array([start.intercept, start.dense, start.covered, start.unknown]),
            )
        )
    return weights


def judge_weights(samples: Samples, weights: RelevanceWeights) -> RejectedShares:
    """Return how weights do."""
    return RejectedShares(
        own_rejected=_reject(samples.answered, weights),
        others_rejected=_reject(samples.others, weights),
        general_rejected=_reject(samples.general, weights),
    )


def find_evidence(response: SearchResponse) -> list[HitEvidence]:
    """Return what speaks for each hit of an answer."""
    about = response.explanation
    words = share_words(about.document_frequencies, n_rows=about.n_visible)
    return [
        HitEvidence(
            dense=max(hit.dense or 0.0, 0.0),
            covered=words.cover_terms(frozenset(ENGLISH.find_terms(f"{hit.heading}\n{hit.text}"))),
            unknown=words.unknown,
        )
        for hit in response.hits
    ]


def _ask(search: Search, own: Sequence[OwnQuestion], general: Iterable[str], principal: Principal) -> Samples:
    answers, answered, others = [], [], []
    for question in own:
        response = search(question.ask(principal))
        found = find_evidence(response)
        if response.hits and response.hits[0].doc_id == question.doc_id:
            answers.append(found[0])
            answered.append(found)
        elsewhere = question.ask_others(principal)
        if elsewhere is not None:
            others.append(find_evidence(search(elsewhere)))
    asked = [find_evidence(search(SearchRequest(query=text, principal=principal))) for text in general]
    return Samples(
        answers=tuple(answers), answered=tuple(answered), others=tuple(others), general=tuple(asked)
    )


def _pick_half(query: str) -> int:
    return int(digest_bytes(query.encode())[:8], 16) % 2


def _pick_best(found: Iterable[Found], weights: RelevanceWeights) -> list[HitEvidence]:
    """Return what looks most like an answer of each question that found anything."""
    return [max(rows, key=lambda row: find_log_odds(weights, row)) for rows in found if rows]


def _reject(found: Sequence[Found], weights: RelevanceWeights) -> float:
    rejected = [all(weigh_evidence(weights, row) < RELEVANT for row in rows) for rows in found]
    return sum(rejected) / max(1, len(rejected))


def _list_features(row: HitEvidence, *, is_dense: bool) -> tuple[float, float, float]:
    return (row.dense if is_dense else 0.0, row.covered, row.unknown)


def _make_weights(fitted: npt.NDArray[np.float64]) -> RelevanceWeights:
    """Return fitted weights, none of a sign that would let evidence speak the other way round."""
    intercept, dense, covered, unknown = (round(float(value), _DIGITS) for value in fitted)
    return RelevanceWeights(
        intercept=intercept, dense=max(0.0, dense), covered=max(0.0, covered), unknown=min(0.0, unknown)
    )
