"""When texts hold an answer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from serve.evaluation.truths import is_held, make_truth, read_figures, read_value, stands_in


def test_each_part_must_stand_in_one_text():
    truth = make_truth(["Fixed-price type", "cost plus."])
    assert is_held(truth, ["a FIXED\u2013price   type", "Cost plus"])
    assert not is_held(truth, ["a fixed-price", "type and cost plus"])
    assert not is_held(truth, [])
    assert stands_in(truth.parts, ["Fixed-price type, cost plus"])


def test_every_operand_must_stand_in_the_texts_together():
    truth = make_truth(["550.4"], {Decimal("44.1"), Decimal("1056.7")})
    assert (truth.parts, truth.value) == ((), Decimal("550.4"))
    assert is_held(truth, ["$ 44.1", "1,056.7"])
    assert not is_held(truth, ["44.1 and 1,056.8"])


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        (["$1,496.5"], "1496.5"),
        (["(1.6)"], "1.6"),
        (["2019", "2018"], None),
        (["in 2019"], "2019"),
        (["March 2019"], None),
    ],
)
def test_an_answer_of_one_figure_has_a_value(answers, value):
    assert read_value(answers) == (None if value is None else Decimal(value))


def test_figures_are_read_without_signs_and_separators():
    assert read_figures(["$ (1,452.4) and .5 %"]) == {Decimal("1452.4"), Decimal("0.5")}
