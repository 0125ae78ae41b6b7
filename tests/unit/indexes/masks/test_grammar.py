from __future__ import annotations

import pytest

from eagleray.contracts.filters import And, Compare, Comparison, Contains, IsIn, IsNull, Not, Or
from eagleray.errors import FilterError
from indexes.masks.grammar import parse_filter, read_json_filter


def compare(column, op, value):
    return Compare(column=column, op=Comparison(op), value=value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('company = "Cubic Corp"', compare("company", "=", "Cubic Corp")),
        ("year >= 2019", compare("year", ">=", 2019)),
        ("yield < -1.5e2", compare("yield", "<", -150.0)),
        ("is_open = TRUE", compare("is_open", "=", True)),
        ("name = 'O''Neill'", compare("name", "=", "O'Neill")),
        ("year in (2018, 2019)", IsIn(column="year", values=(2018, 2019))),
        ("not year in (2018)", Not(operand=IsIn(column="year", values=(2018,)))),
        ("year not in (2018)", Not(operand=IsIn(column="year", values=(2018,)))),
        ("page is null", IsNull(column="page")),
        ("page is not null", Not(operand=IsNull(column="page"))),
        ('tags contains "a"', Contains(column="tags", value="a")),
        ("y between 1 and 2", And(operands=(compare("y", ">=", 1), compare("y", "<=", 2)))),
    ],
)
def test_each_form_of_condition_is_read(text, expected):
    assert parse_filter(text) == expected


def test_and_binds_tighter_than_or_and_parentheses_tighter_than_both():
    a, b, c = (compare(name, "=", 1) for name in "abc")
    assert parse_filter("a = 1 or b = 1 and c = 1") == Or(operands=(a, And(operands=(b, c))))
    assert parse_filter("(a = 1 or b = 1) and c = 1") == And(operands=(Or(operands=(a, b)), c))
    assert parse_filter("not a = 1 and b = 1") == And(operands=(Not(operand=a), b))


@pytest.mark.parametrize(
    ("text", "position", "part"),
    [
        ("", 0, "a column"),
        ("year >", 6, "a number"),
        ("year 2019", 5, "between"),
        ('company = "Cubic', 10, "quotes"),
        ("year = 1 year = 2", 9, "the end"),
        ("(year = 1", 9, "')'"),
        ("and = 1", 0, "a column"),
        ("year in 2018", 8, "'('"),
        ("tags contains 3", 15, "a string"),
        ("year = 2019-01", 11, "the end"),
    ],
)
def test_a_fault_names_its_place_and_what_was_expected(text, position, part):
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.position == position
    assert part in str(caught.value)


def test_a_json_filter_means_all_of_its_conditions():
    found = read_json_filter(
        {"ticker": "V", "year": {"gte": 2008, "lt": 2010}, "kind": ["a", "b"], "x": None}
    )
    assert found == And(
        operands=(
            compare("ticker", "=", "V"),
            compare("year", ">=", 2008),
            compare("year", "<", 2010),
            IsIn(column="kind", values=("a", "b")),
            IsNull(column="x"),
        )
    )


@pytest.mark.parametrize("conditions", [{}, {"year": {"near": 3}}, {"year": [{"a": 1}]}])
def test_a_json_filter_that_means_nothing_is_refused(conditions):
    with pytest.raises(FilterError):
        read_json_filter(conditions)
