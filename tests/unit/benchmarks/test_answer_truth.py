from __future__ import annotations

from decimal import Decimal

import pytest

from benchmarks.answer_truth import find_truth, is_held, read_figures, read_value
from benchmarks.corpora import JudgedQuery


def make_query(*answers, relevant="a"):
    return JudgedQuery(query_id="q", text="?", relevant={relevant: 1}, filter=None, answers=answers)


def test_each_part_must_stand_in_one_cited_text():
    truth = find_truth(make_query("Fixed-price type", "cost plus."), texts={}, derivations={})
    assert is_held(truth, ["a FIXED\u2013price   type", "Cost plus"])
    assert not is_held(truth, ["a fixed-price", "type and cost plus"])
    assert not is_held(truth, [])


def test_every_operand_of_a_derivation_must_stand_in_the_cited_texts_together():
    texts = {"a": "| x | 44.1 | 1,056.7 | in 2 years"}
    truth = find_truth(make_query("550.4"), texts=texts, derivations={"q": "(44.1+1,056.7)/2"})
    assert truth.operands == {Decimal("44.1"), Decimal("1056.7")}
    assert is_held(truth, ["44.1", "1056.7"])
    assert not is_held(truth, ["44.1 and 1,056.8"])


def test_operands_that_stand_nowhere_are_not_asked_for():
    truth = find_truth(make_query("1"), texts={"a": "5"}, derivations={"q": "5-9"})
    assert truth.operands == {Decimal(5)}


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
