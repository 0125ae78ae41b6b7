from __future__ import annotations

import pytest

from eagleray.contracts.bounds import MAX_FILTER_DEPTH
from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from eagleray.errors import FilterError
from indexes.masks.grammar import parse_filter


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
        ('text matches "credit event"', Matches(column="text", words="credit event")),
        ('title not matches "swap*"', Not(operand=Matches(column="title", words="swap*"))),
        ('name starts with "Cub"', StartsWith(column="name", prefix="Cub")),
        ('name not starts with "C"', Not(operand=StartsWith(column="name", prefix="C"))),
        ('starts = "x"', compare("starts", "=", "x")),
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
        ("tags contains 3", 14, "a string"),
        ("name starts 'C'", 12, "'with'"),
        ("name starts with 3", 17, "a string"),
        ("year = 2019-01", 11, "the end"),
    ],
)
def test_a_fault_names_its_place_and_what_was_expected(text, position, part):
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.position == position
    assert part in str(caught.value)


@pytest.mark.parametrize("opening", ["(", "not "])
def test_nesting_has_a_bound_that_is_told(opening):
    closing = ")" if opening == "(" else ""
    parse_filter(opening * MAX_FILTER_DEPTH + "a = 1" + closing * MAX_FILTER_DEPTH)
    with pytest.raises(FilterError, match=f"deeper than {MAX_FILTER_DEPTH} levels"):
        parse_filter(opening * 4_000 + "a = 1" + closing * 10_000)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('"net yield" = 1', "net yield"),
        ("'and' = 1", "and"),
        ('"a ""quoted"" name" = 1', 'a "quoted" name'),
        ('"" = 1', ""),
        ("attributes.known_from = 1", "attributes.known_from"),
        ('"Umsatz (Mio. \u20ac)" = 1', "Umsatz (Mio. \u20ac)"),
        ("\u00c4nderung = 1", "\u00c4nderung"),
        ("gro\u0308\u00dfe = 1", "gro\u0308\u00dfe"),
        ("\u91d1\u984d = 1", "\u91d1\u984d"),
    ],
)
def test_a_column_whose_name_is_no_word_stands_in_quotes(text, column):
    assert parse_filter(text) == Compare(column=column, op=Comparison.EQ, value=1)
    assert parse_filter(text.replace("= 1", "is null")) == IsNull(column=column)
