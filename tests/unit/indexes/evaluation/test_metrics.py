from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from eagleray.errors import InputError
from indexes.evaluation.metrics import ndcg_at_k, recall_at_k

GAINS = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}


def test_ndcg_equals_the_sum_written_out():
    # trec_eval's linear gain: DCG = 2/log2(2) + 0/log2(3) + 3/log2(4), ideal = 3/1 + 2/log2(3) + 1/2
    expected = (2 + 3 / 2) / (3 + 2 / math.log2(3) + 1 / 2)
    assert ndcg_at_k(["b", "x", "a", "c"], GAINS, k=3) == pytest.approx(expected, rel=1e-12)


def test_a_single_relevant_result_gives_one_over_the_log_of_its_rank():
    for rank in range(1, 11):
        ranked = [f"x{number}" for number in range(rank - 1)] + ["hit"]
        assert ndcg_at_k(ranked, {"hit": 1.0}, k=10) == pytest.approx(1 / math.log2(rank + 1))
    assert ndcg_at_k([f"x{number}" for number in range(10)] + ["hit"], {"hit": 1.0}, k=10) == 0.0


def test_the_ideal_order_gives_one_and_the_cut_bounds_the_ideal_too():
    assert ndcg_at_k(["a", "b", "c"], GAINS, k=3) == 1.0
    assert ndcg_at_k(["a"], GAINS, k=1) == 1.0
    assert ndcg_at_k(["b"], GAINS, k=1) == pytest.approx(2 / 3)


@pytest.mark.parametrize("gains", [{}, {"a": 0.0}, {"a": -1.0}])
def test_without_anything_relevant_ndcg_is_zero(gains):
    assert ndcg_at_k(["a"], gains, k=5) == 0.0


@given(st.permutations(["a", "b", "c", "d", "e"]), st.integers(1, 5))
def test_swapping_a_better_result_upwards_never_lowers_ndcg(ranked, k):
    before = ndcg_at_k(ranked, GAINS, k=k)
    for place in range(4):
        if GAINS.get(ranked[place], 0) < GAINS.get(ranked[place + 1], 0):
            swapped = [*ranked]
            swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
            assert ndcg_at_k(swapped, GAINS, k=k) >= before - 1e-12


def test_recall_counts_relevant_results_within_the_cut():
    relevant = frozenset({"a", "b", "c", "d"})
    assert recall_at_k(["a", "x", "b", "c"], relevant, k=3) == 0.5
    assert recall_at_k(["a", "b", "c", "d"], relevant, k=10) == 1.0
    assert recall_at_k([], relevant, k=10) == 0.0
    assert recall_at_k(["a"], frozenset(), k=10) == 0.0


@pytest.mark.parametrize("measure", [lambda ranked, k: ndcg_at_k(ranked, GAINS, k=k)])
@pytest.mark.parametrize(("ranked", "k"), [(["a", "a"], 2), (["a"], 0)])
def test_a_list_that_is_no_ranking_is_refused(measure, ranked, k):
    with pytest.raises(InputError):
        measure(ranked, k)
    with pytest.raises(InputError):
        recall_at_k(ranked, frozenset({"a"}), k=k)
