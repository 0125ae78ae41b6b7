"""Measures are ratios of sums; intervals and differences come from the same samples of questions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from serve.evaluation.judging import AnswerJudgement, RetrievalJudgement
from serve.evaluation.measures import MEASURES, Estimate, PairedDifference, compare_paired, estimate

RIGHT = AnswerJudgement(
    retrieval=RetrievalJudgement(recall=1.0, reciprocal_rank=0.5, ndcg=0.75),
    is_strict=True,
    is_passage=True,
    is_answered=True,
    is_exact=None,
    is_matched=True,
    n_citations=2,
    n_cited=2,
    n_supporting=2,
    n_judged_citations=1,
    n_judged=1,
    n_judged_cited=1,
    n_statements=1,
    n_unsupported=0,
    n_tokens=30,
)
WRONG = replace(
    RIGHT,
    is_strict=False,
    is_passage=False,
    n_citations=1,
    n_cited=1,
    n_supporting=0,
    n_judged_cited=0,
    n_unsupported=1,
)
UNLABELLED = replace(
    RIGHT, retrieval=None, is_strict=None, is_passage=None, is_matched=None, n_judged=0, n_judged_cited=0
)


def test_a_measure_is_the_ratio_of_two_sums_over_the_questions_that_have_its_label():
    found = estimate([RIGHT, WRONG, UNLABELLED], seed=0)
    assert (found["strict"].value, found["strict"].n) == (0.5, 2)
    assert (found["citation_precision"].value, found["citation_precision"].n) == (0.8, 3)
    assert (found["citation_recall"].value, found["mrr"].value, found["ndcg"].value) == (0.5, 0.5, 0.75)
    assert (found["unsupported_sentences"].value, found["tokens"].value) == (1.0, 30.0)
    assert found["exact_match"] == Estimate(value=None, low=None, high=None, n=0)


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution():
    judgements = [RIGHT] * 300 + [WRONG] * 100
    found = estimate(judgements, seed=1)["strict"]
    margin = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert found.value == 0.75
    assert found.low == pytest.approx(0.75 - margin, abs=0.006)
    assert found.high == pytest.approx(0.75 + margin, abs=0.006)


def test_the_seed_decides_the_samples():
    judgements = [RIGHT, WRONG] * 20 + [UNLABELLED] * 7
    assert estimate(judgements, seed=3) == estimate(judgements, seed=3)
    assert estimate(judgements, seed=3) != estimate(judgements, seed=4)


def test_one_question_has_a_value_without_an_interval_and_none_has_nothing():
    assert estimate([RIGHT], seed=0)["strict"] == Estimate(value=1.0, low=None, high=None, n=1)
    assert set(estimate([], seed=0)) == set(MEASURES)
    assert estimate([], seed=0)["coverage"].value is None


def test_runs_that_are_the_same_have_no_difference():
    judgements = [RIGHT, WRONG, WRONG, UNLABELLED]
    found = compare_paired(judgements, judgements, seed=0)["strict"]
    assert found == PairedDifference(before=0.3333, after=0.3333, delta=0.0, low=0.0, high=0.0, p=1.0, n=3)
    assert not found.is_sure


def test_pairs_tell_a_difference_that_is_within_the_intervals_of_both_runs():
    rng = np.random.default_rng(5)
    before = [RIGHT if rng.random() < 0.5 else WRONG for _ in range(200)]
    after = [RIGHT if at < 12 else item for at, item in enumerate(before)]
    found = compare_paired(before, after, seed=0)["strict"]
    alone = [estimate(run, seed=0)["strict"] for run in (before, after)]
    assert alone[0].high > alone[1].low
    assert found.delta > 0
    assert found.is_sure
    assert found.p < 0.05


def test_the_difference_of_a_random_change_is_not_sure():
    rng = np.random.default_rng(6)
    sides = [[RIGHT if rng.random() < 0.5 else WRONG for _ in range(100)] for _ in range(2)]
    found = compare_paired(*sides, seed=0)["strict"]
    assert not found.is_sure
    assert found.p > 0.05
