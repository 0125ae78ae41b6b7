from __future__ import annotations

import math

import pytest

from eagleray.contracts.hits import SearchMode
from eagleray.contracts.manifests import FittedRelevance, RelevanceWeights
from indexes.fusion.relevance import BY_BOTH, BY_WORDS, HitEvidence, choose_relevance, weigh_evidence

FITTED = FittedRelevance(
    by_both=RelevanceWeights(intercept=-1.0, dense=2.0, covered=3.0, unknown=-4.0),
    by_words=RelevanceWeights(intercept=-2.0, dense=0.0, covered=3.0, unknown=-4.0),
    n_questions=50,
    known_until=100,
)


def test_the_probability_is_the_logistic_of_the_weighed_evidence():
    evidence = HitEvidence(dense=0.5, covered=0.25, unknown=0.125)
    wanted = 1 / (1 + math.exp(-(-1.0 + 2.0 * 0.5 + 3.0 * 0.25 - 4.0 * 0.125)))
    assert weigh_evidence(FITTED.by_both, evidence) == pytest.approx(wanted, abs=1e-15)


def test_no_evidence_is_so_strong_that_it_cannot_be_computed():
    sure = RelevanceWeights(intercept=-1e6, dense=0.0, covered=3e6, unknown=0.0)
    for covered, wanted in ((0.0, 0.0), (1.0, 1.0)):
        found = weigh_evidence(sure, HitEvidence(dense=0.0, covered=covered, unknown=0.0))
        assert found == pytest.approx(wanted, abs=1e-20)


@pytest.mark.parametrize("weights", [BY_BOTH, BY_WORDS])
def test_more_that_speaks_for_a_hit_never_makes_it_less_likely(weights):
    steps = [step / 10 for step in range(11)]
    for name, sign in (("dense", 1), ("covered", 1), ("unknown", -1)):
        base = {"dense": 0.4, "covered": 0.5, "unknown": 0.2}
        found = [sign * weigh_evidence(weights, HitEvidence(**{**base, name: value})) for value in steps]
        assert found == sorted(found)


@pytest.mark.parametrize(
    ("fitted", "mode", "as_of", "wanted"),
    [
        (None, SearchMode.HYBRID, None, BY_BOTH),
        (None, SearchMode.LEXICAL, None, BY_WORDS),
        (FITTED, SearchMode.DENSE, None, FITTED.by_both),
        (FITTED, SearchMode.LEXICAL, 100, FITTED.by_words),
        (FITTED, SearchMode.HYBRID, 100, FITTED.by_both),
        (FITTED, SearchMode.HYBRID, 99, BY_BOTH),
        (FITTED, SearchMode.LEXICAL, 99, BY_WORDS),
    ],
)
def test_what_was_fitted_judges_no_question_as_of_a_time_before_it_was_known(fitted, mode, as_of, wanted):
    assert choose_relevance(fitted, mode=mode, as_of=as_of) == wanted
