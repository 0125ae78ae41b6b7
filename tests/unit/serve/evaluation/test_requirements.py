"""What a result must reach."""

from __future__ import annotations

import pytest

from eagleray.errors import InputError
from serve.evaluation.requirements import check_requirement, read_requirement
from tests.unit.serve.evaluation.test_results import FAILED, RIGHT, WRONG, make, run

RESULT = make(RIGHT, WRONG, FAILED, RIGHT, compared=run(WRONG))


def check(text):
    outcome = check_requirement(read_requirement(text, is_comparison=True), RESULT)
    return outcome.found, outcome.is_met


@pytest.mark.parametrize(
    ("text", "found", "is_met"),
    [
        ("strict>=.6", 0.6667, True),
        (" strict >= 0.67 ", 0.6667, False),
        ("strict<=.6667", 0.6667, True),
        ("strict.delta>=.5", 0.6667, True),
        ("errors<=0", 1.0, False),
        ("unsupported_sentences<=0", 0.0, True),
        ("p95_s<=1", RESULT.latencies["p95_s"].value, False),
        ("strict.low>=0", RESULT.measures["strict"].low, True),
        ("strict.delta_low>=1", RESULT.comparison.measures["strict"].low, False),
    ],
)
def test_a_figure_is_held_against_its_bound(text, found, is_met):
    assert check(text) == (found, is_met)


def test_a_figure_that_there_is_none_of_meets_nothing():
    result = make(FAILED)
    assert result.measures["citation_precision"].value is None
    requirement = read_requirement("citation_precision>=0", is_comparison=False)
    outcome = check_requirement(requirement, result)
    assert (outcome.found, outcome.is_met) == (None, False)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("strict", "expected a measure, >= or <=, and a number"),
        ("strict>.5", "expected a measure"),
        ("strct>=.5", "did you mean 'strict'?"),
        ("strict.mean>=.5", "expected one of value, low, high"),
        ("errors.low<=0", "expected one of"),
        ("strict.delta>=0", "needs a run to compare with"),
    ],
)
def test_what_is_no_requirement_is_told(text, detail):
    with pytest.raises(InputError) as caught:
        read_requirement(text, is_comparison=False)
    assert detail in str(caught.value)
