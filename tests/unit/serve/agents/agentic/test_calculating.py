from __future__ import annotations

import pytest

from eagleray.errors import QueryError
from serve.agents.agentic.calculating import calculate_cells, find_differences
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.scope import AgentScope
from serve.agents.verification import Outcome, verify
from tests.unit.serve.agents.agentic.scripted import make_request
from tests.unit.serve.agents.passages import make_table_hit, make_text_hit

MILLIONS = """(in millions)

|  | 2019 | 2018 |
| --- | --- | --- |
| Net loss | $ (3,709) | $ (2,000) |
| Interest | \u2014 | 12 |
| Margin | 12.5% | 10.0% |
| Note 7 costs | 5 | 4 |
| Segments | n/a | two |"""
THOUSANDS = """(in thousands)

|  | 2019 |
| --- | --- |
| Fees | 500 |"""


def read(*texts):
    """Return evidence of hits with these texts, and label words -> label."""
    evidence = RunEvidence(AgentScope(request=make_request(), collection="c"))
    hits = [make_table_hit(chunk_id=place, text=text) for place, text in enumerate(texts)]
    units = evidence.read(hits)
    labels = evidence.label(units)
    return evidence, {unit.label or unit.text: label for unit, label in zip(units, labels, strict=True)}


def calculate(expression, *texts, **options):
    evidence, labels = read(*(texts or (MILLIONS,)))
    for name, label in labels.items():
        expression = expression.replace(f"<{name}>", label)
    return calculate_cells(expression, evidence, **{"as_percent": False, "digits": 2, **options})


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("<Net loss>.1 - <Net loss>.2", "$ (3,709) - $ (2,000) = -1709"),
        ("<Net loss>.1 / 3", "$ (3,709) / 3 = -1236.33"),
        ("(<Interest>.1 + <Interest>.2) / 2", "(0 + 12) / 2 = 6"),
        ("<Note 7 costs>.1 * 100", "5 * 100 = 500"),
        ("<Margin>.1 - <Margin>.2", "12.5% - 10.0% = 2.5 percentage points"),
    ],
)
def test_figures_are_taken_as_their_cells_have_them(expression, shown):
    assert calculate(expression).text == shown


def test_a_share_is_shown_in_percent_and_rounded_once():
    shown = calculate("(<Net loss>.1 - <Net loss>.2) / <Net loss>.2", as_percent=True, digits=1)
    assert shown.text == "($ (3,709) - $ (2,000)) / $ (2,000) = 85.5%"
    assert calculate("1 / <Note 7 costs>.2 / 3 * 12", digits=0).text == "1 / 4 / 3 * 12 = 1"


def test_cells_of_tables_in_other_scales_are_written_with_them():
    shown = calculate("<Interest>.2 + <Fees>.1", MILLIONS, THOUSANDS)
    assert shown.text == "12 million + 500 thousand = 12500000"
    assert len(shown.labels) == 2


def test_figures_of_sentences_are_counted_from_one():
    text = "Sales were $ 12 million and costs $ 5 million."
    assert calculate(f"<{text}>.1 - <{text}>.2", text).text == "$ 12 million - $ 5 million = 7000000"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("<Segments>.1 + 1", "is no figure"),
        ("<Interest>.3 + 1", "is no figure"),
        ("<Interest>.0 + 1", "is no figure"),
        ("U99.1 + 1", "is no figure"),
        ("1 + 1", "at least one cell"),
        ("<Interest>.2 + 13", "13 is no cell"),
        ("<Interest>.2 + 1,000", "1,000 is no cell"),
        ("<Interest>.2 + 0.5", "0.5 is no cell"),
        ("<Interest>.2 / <Interest>.1", "division by zero"),
        ("<Interest>.2 ** 9", "expected a figure"),
        ("abs(<Interest>.2)", "cannot read"),
    ],
)
def test_what_is_no_calculation_over_cells_is_refused(expression, said):
    with pytest.raises(QueryError, match=said):
        calculate(expression)


def test_currencies_are_not_mixed():
    euros = "|  | 2019 |\n| --- | --- |\n| Fees | \u20ac 5 |"
    with pytest.raises(QueryError, match="mixes currencies"):
        calculate("<Net loss>.1 + <Fees>.1", MILLIONS, euros)


@pytest.mark.parametrize(
    ("text", "row", "claim"),
    [(make_table_hit().text, "Total sales", "Total sales rose"), (MILLIONS, "Margin", "Margin rose")],
)
def test_the_verifier_passes_what_is_calculated(text, row, claim):
    evidence, labels = read(text)
    expression = f"{labels[row]}.1 - {labels[row]}.2"
    shown = calculate_cells(expression, evidence, as_percent=False, digits=2)
    verdict = verify(f"{claim}: {shown.text}.", evidence.cite(shown.labels))
    assert verdict.outcome is Outcome.SUPPORTED


def test_rows_of_the_same_name_differ_by_their_cells_in_the_same_column():
    evidence, _ = read(MILLIONS, MILLIONS.replace("12 |", "15 |"))
    labels = list(evidence.places)
    half = len(labels) // 2
    assert "15 - 12 = 3" in find_differences(evidence, labels[:half], labels[half:])
    assert find_differences(evidence, labels[:1], labels[:1]) == []


def test_what_may_not_be_read_any_more_is_not_there():
    evidence, labels = read(MILLIONS)
    resumed = RunEvidence(AgentScope(request=make_request(), collection="c"))
    resumed.restore(evidence.places)
    assert resumed.find(labels["Interest"]) is None
    assert resumed.show(list(labels.values())) == []
    assert resumed.cite(labels.values()) == ()
    resumed.read([make_table_hit(chunk_id=0, text=MILLIONS)])
    assert resumed.show(list(labels.values())) == evidence.show(list(labels.values()))
    assert resumed.label(resumed.read([make_text_hit(chunk_id=5)])) == ["U7", "U8", "U9"]
