from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from benchmarks.corpora import JudgedQuery
from benchmarks.shown import ask, find_answer, hold, read_figures, report
from eagleray.contracts.hits import SearchMode, Snippet
from tests.small_hits import make_hit


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$1,496.5", ["1496.5"]),
        ("(39,784)", ["39784"]),
        ("-0.5 and .25", ["0.5", "0.25"]),
        ("36%, 5.0%", ["36", "5"]),
        ("Notes 1,2", ["1", "2"]),
        ("S$1.75 billion", ["1.75", "1750000000"]),
        ("616 Million", ["616", "616000000"]),
        ("13,448.", ["13448"]),
        ("none", []),
    ],
)
def test_figures_are_read_without_signs_and_with_their_scale(text, values):
    assert {value for figure in read_figures(text) for value in figure} == set(map(Decimal, values))


def test_an_answer_is_held_where_each_of_its_figures_stands():
    answer = read_figures("$616 million and 12%")
    assert hold(answer, ["sales of 616", "rose by 12 %"])
    assert hold(answer, ["sales of 616,000,000 rose by 12"])
    assert not hold(answer, ["sales of 616 million"])
    assert not hold(answer, ["1,616 and 12"])


def make_query(answers, **fields):
    return JudgedQuery(
        query_id="q",
        text="sales",
        relevant={"a": 1},
        filter=None,
        answers=answers,
        answer_type="span",
        **fields,
    )


def test_only_figures_that_stand_in_a_judged_passage_count():
    texts = {"a": "Sales were $1,496.5.", "b": "Costs were 12."}
    assert find_answer(make_query(("$1,496.5",)), texts) == read_figures("1496.5")
    assert find_answer(make_query(("12",)), texts) == []
    assert find_answer(make_query(("a contract",)), texts) == []


def test_snippets_and_beginnings_are_counted_for_the_same_hits_and_years_apart():
    hit = make_hit(text="x" * 240 + " 7.5 in 2019", snippet=Snippet(text="7.5 in 2019"))
    engine = SimpleNamespace(search=lambda request: SimpleNamespace(hits=[hit]))
    shown = [
        ask(engine, make_query(("7.5",)), read_figures(text), mode=SearchMode.LEXICAL)
        for text in ("7.5", "2019", "8")
    ]
    figures = report([shown[:2], shown[2:]])
    assert (figures["questions"], figures["shown_holds_answer"], figures["first_characters_hold_answer"]) == (
        2,
        1,
        0,
    )
    assert figures["whole_texts_hold_answer"] == 1
    assert figures["answered_by_years"]["shown_holds_answer"] == 1
    assert [half["questions"] for half in figures["halves"]] == [1, 1]
