from __future__ import annotations

import math

import pytest

from eagleray.contracts.filters import Compare, Comparison
from eagleray.errors import FilterError
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter


@pytest.mark.parametrize("number", ["1" * 5_000, "-" + "9" * 16_000, "1e999", "-1e999"])
def test_a_number_beyond_every_column_is_refused_where_it_stands(number):
    with pytest.raises(FilterError, match="expected a number") as refused:
        parse_filter(f"year = {number}")
    assert refused.value.position == 7


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("shape", [lambda n: n, lambda n: [1, n], lambda n: {"between": [0, n]}])
def test_numbers_of_json_are_finite(number, shape):
    with pytest.raises(FilterError, match="finite"):
        read_json_filter({"year": shape(number)})


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**5_000], ids=["just", "negative", "far"])
def test_integers_of_json_have_at_most_400_digits(number):
    with pytest.raises(FilterError, match="at most 400 digits"):
        read_json_filter({"year": {"in": [1, number]}})


@pytest.mark.parametrize("number", [10**399, -(10**399), 2**63, 9007199254740993, -0.0, 1e308])
def test_both_forms_of_filters_keep_numbers_exactly(number):
    expected = Compare(column="year", op=Comparison.EQ, value=number)
    for found in (parse_filter(f"year = {number!r}"), read_json_filter({"year": number})):
        assert found == expected
        assert type(found.value) is type(number)
