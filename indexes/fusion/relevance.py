"""How likely a hit answers its question: one number, 0 to 1, that means the same for all questions.

The scores that order the hits of one question are shares of its best one, so the best hit of a question about
nothing in the collection has a score of 1, too. A logistic regression over evidence that does not depend on
the other hits tells the two apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.hits import SearchMode
from eagleray.contracts.manifests import FittedRelevance, RelevanceWeights

RELEVANT: Final = 0.5
"""A hit of at least this is said to be relevant, and so is an answer that has one."""

BY_BOTH: Final = RelevanceWeights(intercept=-6.0, dense=5.0, covered=7.0, unknown=-4.0)
"""Weights where none were fitted to a collection, and vectors took part; `benchmarks.relevance` measures
them."""

BY_WORDS: Final = RelevanceWeights(intercept=-4.0, dense=0.0, covered=9.0, unknown=-4.0)
"""The same where words alone answered."""

_MOST: Final = 60.0
"""Log-odds beyond which nothing changes; keeps the exponential finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HitEvidence:
    """What speaks for a hit.

    Attributes:
        dense: cosine similarity, at least 0; 0 where vectors took no part.
        covered: share of the question's words that the hit holds, weighed by idf; from 0 to 1.
        unknown: share of them that no visible row holds.
    """

    dense: float
    covered: float
    unknown: float


def weigh_evidence(weights: RelevanceWeights, evidence: HitEvidence) -> float:
    """Return the probability that a hit answers, from 0 to 1."""
    return 1.0 / (1.0 + math.exp(-find_log_odds(weights, evidence)))


def find_log_odds(weights: RelevanceWeights, evidence: HitEvidence) -> float:
    """Return the logarithm of the odds that a hit answers; 0 where both are as likely."""
    odds = (
        weights.intercept
        + weights.dense * evidence.dense
        + weights.covered * evidence.covered
        + weights.unknown * evidence.unknown
    )
    return max(-_MOST, min(_MOST, odds))


def choose_relevance(
    fitted: FittedRelevance | None, *, mode: SearchMode, as_of: int | None
) -> RelevanceWeights:
    """Return the weights of what speaks for the hits of a question.

    Those that were fitted to a collection were learnt from rows up to a time, so they judge no question as of
    an earlier one: it is judged as it would have been then.

    Args:
        fitted: to the collection, if anything was.
        mode: channels that answer.
        as_of: of the question, microseconds; `None` for now.
    """
    is_by_words = mode is SearchMode.LEXICAL
    if fitted is None or (as_of is not None and as_of < fitted.known_until):
        return BY_WORDS if is_by_words else BY_BOTH
    return fitted.by_words if is_by_words else fitted.by_both
