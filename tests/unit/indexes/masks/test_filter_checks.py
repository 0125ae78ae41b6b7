"""Filters of any size are read in time that grows as they do, and refused where they are too large."""

from __future__ import annotations

import pytest

from eagleray.contracts.bounds import (
    MAX_CONDITIONS,
    MAX_FILTER_DEPTH,
    MAX_LISTED,
    MAX_LITERAL,
    MAX_MATCH,
    MAX_NAME,
    MAX_QUESTION,
)
from eagleray.contracts.filters import And, Compare, Comparison, IsIn, Matches, Not, Or, StartsWith
from eagleray.errors import FilterError
from indexes.masks.filter_checks import check_filter
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter
from tests.doubling import LINEAR, measure_growth

ONE = Compare(column="a", op=Comparison.EQ, value=1)


def nest(times):
    expression = ONE
    for _ in range(times):
        expression = Not(operand=expression)
    return expression


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (Or(operands=(ONE,) * (MAX_CONDITIONS + 1)), f"more than {MAX_CONDITIONS} conditions"),
        (IsIn(column="a", values=(1,) * (MAX_LISTED + 1)), "more than 10,000 values"),
        (Or(operands=(IsIn(column="a", values=(1,) * 6_000),) * 2), "more than 10,000 values"),
        (Compare(column="a" * (MAX_NAME + 1), op=Comparison.EQ, value=1), "the name of a column has 1025"),
        (StartsWith(column="a", prefix="x" * (MAX_LITERAL + 1)), "a value has 4097 characters"),
        (IsIn(column="a", values=("x" * (MAX_LITERAL + 1),)), "a value has 4097 characters"),
        (Matches(column="text", words="x" * (MAX_MATCH + 1)), "a value has 1025 characters; at most 1,024"),
        (Compare(column="a\udce9", op=Comparison.EQ, value=1), "a byte that is no UTF-8"),
        (IsIn(column="a", values=(1, "caf\udce9")), "a byte that is no UTF-8"),
        (nest(100_000), f"deeper than {MAX_FILTER_DEPTH} levels"),
    ],
)
def test_a_filter_that_is_too_large_is_refused(expression, told):
    with pytest.raises(FilterError, match=told):
        check_filter(expression)


def test_what_is_within_the_bounds_passes():
    assert check_filter(Or(operands=(ONE,) * MAX_CONDITIONS)) is None
    assert check_filter(IsIn(column="a" * MAX_NAME, values=("x" * MAX_LITERAL,) * MAX_LISTED)) is None
    assert check_filter(Matches(column="text", words="x" * MAX_MATCH)) is None
    assert isinstance(parse_filter(f"{'(a = 1 and b = 1 or ' * 64}a between 1 and 2{')' * 64}"), Or)
    deep = {"a": {"between": [1, 2]}, "b": 1}
    for _ in range(MAX_FILTER_DEPTH - 2):
        deep = {"or": [deep, {"c": 1}], "d": 1}
    assert isinstance(read_json_filter(deep), And)


@pytest.mark.parametrize(
    "conditions",
    [{"or": [{"a": 1}] * 50_000}, {"a": [1] * 50_000}, {"a": {"not": [1] * 50_000}}],
)
def test_a_large_json_filter_is_refused_before_it_is_read(conditions):
    with pytest.raises(FilterError, match="more than 256 conditions and 10,000 values"):
        read_json_filter(conditions)


def test_a_long_filter_is_refused_before_it_is_read():
    with pytest.raises(FilterError, match="16385 characters; at most 16,384") as caught:
        parse_filter("a" * (MAX_QUESTION + 1))
    assert len(str(caught.value)) < 300


HOSTILE = {
    "spaces": lambda n: " " * n,
    "words": lambda n: "a " * n,
    "a long word": lambda n: "a." * n,
    "digits": lambda n: "1" * n + "x",
    "decimals": lambda n: "1" * n + "." + "1" * n + "e" + "1" * n + "x",
    "open string": lambda n: 'a = "' + "x" * n,
    "doubled quotes": lambda n: 'a = "' + '""' * n,
    "quotes": lambda n: "'" * n,
    "strings": lambda n: 'a = "" ' * n,
    "values": lambda n: "a in (" + "1," * n + "1)",
    "parentheses": lambda n: "(" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_reading_takes_time_that_grows_as_the_filter_does(name):
    def read(text):
        with pytest.raises(FilterError):
            parse_filter(text + "!")

    assert measure_growth(read, HOSTILE[name], 1_000) < LINEAR
