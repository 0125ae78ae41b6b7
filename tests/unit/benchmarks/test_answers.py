"""What it takes to answer a judged question of a corpus."""

from __future__ import annotations

from decimal import Decimal

from benchmarks.answers import find_truth
from benchmarks.corpora import JudgedQuery
from serve.evaluation.truths import is_held


def make_query(*answers, relevant="a"):
    return JudgedQuery(query_id="q", text="?", relevant={relevant: 1}, filter=None, answers=answers)


def test_a_copied_answer_is_held_by_its_parts():
    truth = find_truth(make_query("Fixed-price type", "cost plus."), texts={}, derivations={})
    assert is_held(truth, ["a fixed-price type", "Cost plus"])
    assert not is_held(truth, ["a fixed-price type"])


def test_every_operand_of_a_derivation_must_stand_in_the_cited_texts_together():
    texts = {"a": "| x | 44.1 | 1,056.7 | in 2 years"}
    truth = find_truth(make_query("550.4"), texts=texts, derivations={"q": "(44.1+1,056.7)/2"})
    assert truth.operands == {Decimal("44.1"), Decimal("1056.7")}
    assert is_held(truth, ["44.1", "1056.7"])
    assert not is_held(truth, ["44.1 and 1,056.8"])


def test_operands_that_stand_nowhere_are_not_asked_for():
    truth = find_truth(make_query("1"), texts={"a": "5"}, derivations={"q": "5-9"})
    assert truth.operands == {Decimal(5)}
