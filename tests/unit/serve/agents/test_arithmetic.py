from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import QueryError
from serve.agents.arithmetic import MAX_DEPTH, calculate, round_half_up, round_to_step


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1,452.4 - 1,146.2", "306.2"),
        ("$ 1,496.5 + .5", "1497"),
        ("(680-774)/774", Fraction(-94, 774)),
        ("1/3*3", 1),
        ("2 - 3 - 4", -5),
        ("8 / 4 / 2", 1),
        ("2 + 3 * 4", 14),
        ("[(166+178)/2] - [(57+44)/2]", "121.5"),
        ("(1-15%)*($2.2/15%)", Fraction(187, 15)),
        ("25 bp", Fraction(1, 400)),
        ("60.3 million + 32,137 thousand", 92_437_000),
        ("$(-5,946)", -5946),
        ("-114 - (71)", -43),
        ("13 + (110)", -97),
        ("[5] + ((5))", 0),
        ("\u22123 \u00d7 4 \u00f7 2", -6),
        ("--2", 2),
    ],
)
def test_an_expression_has_an_exact_value(expression, value):
    assert calculate(expression) == Fraction(value)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "expected a figure at its end"),
        ("1 +", "expected a figure at its end"),
        ("1 2", "expected the end, found '2'"),
        ("1 / (2 - 2)", "a division by zero"),
        ("(1 + 2", "not closed"),
        ("(1 + 2]", "not closed"),
        ("__import__('os')", "cannot read"),
        ("2 ** 3", "expected a figure, found '*'"),
        ("1e9", "cannot read 'e9'"),
        ("12,34", "cannot read ',34'"),
        ("9" * 41, "at most 40"),
        ("1+" * 600 + "1", "at most 1000"),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "deeper than"),
    ],
)
def test_anything_else_is_refused_and_says_where(expression, said):
    with pytest.raises(QueryError, match="calculation") as refused:
        calculate(expression)
    assert said in str(refused.value)


FIGURES = st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False)


@given(a=FIGURES, b=FIGURES, c=FIGURES.filter(bool))
def test_operations_are_those_of_fractions(a, b, c):
    a, b, c = (format(value, "f") for value in (a, b, c))
    assert calculate(f"({a} - {b}) / {c}") == (Fraction(a) - Fraction(b)) / Fraction(c)
    assert calculate(f"{a} * {b} + {c}") == Fraction(a) * Fraction(b) + Fraction(c)


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [
        ("0.295", 2, "0.30"),
        ("-0.295", 2, "-0.30"),
        ("2.5", 0, "3"),
        ("-0.4", 0, "0"),
        ("1234.5", 3, "1234.500"),
    ],
)
def test_a_half_goes_away_from_zero(value, digits, rounded):
    found = round_half_up(Fraction(value), digits)
    assert (found, str(found)) == (Decimal(rounded), rounded)


@given(value=st.fractions(), step=st.fractions(min_value=Fraction(1, 1000)).filter(bool))
def test_the_nearest_multiple_of_a_step_is_at_most_half_a_step_away(value, step):
    found = round_to_step(value, step)
    assert abs(found - value) <= step / 2
    assert (found / step).denominator == 1
