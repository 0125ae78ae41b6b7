from __future__ import annotations

import pytest

from eagleray.contracts.bounds import MAX_FILTER_DEPTH
from eagleray.errors import FilterError
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ({"ticker": "V"}, "ticker = 'V'"),
        ({"is_open": True}, "is_open = true"),
        ({"kind": ["a", "b"]}, "kind in ('a', 'b')"),
        ({"page": None}, "page is null"),
        ({"page": {"null": False}}, "page is not null"),
        ({"year": {"gte": 2008, "lt": 2010}}, "year >= 2008 and year < 2010"),
        (
            {"year": {"eq": 1, "ne": 2, "lte": 3, "gt": 4}},
            "year = 1 and year != 2 and year <= 3 and year > 4",
        ),
        ({"year": {"between": [2008, 2010]}}, "year between 2008 and 2010"),
        ({"year": {"in": [2008]}}, "year in (2008)"),
        ({"year": {"not": [2008]}}, "year not in (2008)"),
        ({"name": {"prefix": "Cub"}}, "name starts with 'Cub'"),
        ({"name": {"not": {"prefix": "Cub"}}}, "name not starts with 'Cub'"),
        ({"tags": {"contains": "a"}}, "tags contains 'a'"),
        ({"or": [{"a": 1}, {"b": 2, "c": 3}]}, "a = 1 or (b = 2 and c = 3)"),
        ({"and": [{"a": 1}, {"or": [{"b": 2}, {"c": 3}]}]}, "a = 1 and (b = 2 or c = 3)"),
        ({"not": {"a": 1, "b": 2}}, "not (a = 1 and b = 2)"),
        ({"a": 1, "not": {"b": 2}}, "a = 1 and not b = 2"),
    ],
)
def test_json_says_what_the_text_beside_it_says(conditions, text):
    assert read_json_filter(conditions) == parse_filter(text)


@pytest.mark.parametrize(
    ("conditions", "part"),
    [
        ({}, "at least one condition"),
        ({"year": {}}, "'year'.*at least one condition"),
        ({"year": {"near": 3}}, "'year'.*unknown operator 'near'; expected eq, .*, not"),
        ({"year": [{"a": 1}]}, "'year'.*found an object"),
        ({"year": []}, "'year'.*found a list of 0 items"),
        ({"year": {"between": [1]}}, "'year'.*found 1 values"),
        ({"year": {"null": 1}}, "'year'.*null takes true or false, found 1"),
        ({"name": {"prefix": 3}}, "'name'.*expected a string, found 3"),
        ({"name": {"gte": None}}, "'name'.*found null"),
        ({"or": {"a": 1}}, "'or'.*expected a list"),
        ({"or": [3]}, "expected an object, found 3"),
        ({"not": [{"a": 1}]}, "expected an object, found a list of 1 items"),
    ],
)
def test_a_json_filter_that_means_nothing_is_refused_and_says_why(conditions, part):
    with pytest.raises(FilterError, match=part):
        read_json_filter(conditions)


def nest(wrap, inner, times):
    for _ in range(times):
        inner = wrap(inner)
    return inner


@pytest.mark.parametrize(
    "make",
    [
        lambda times: nest(lambda inner: {"not": inner}, {"a": 1}, times),
        lambda times: nest(lambda inner: {"or": [inner]}, {"a": 1}, times),
        lambda times: {"a": nest(lambda inner: {"not": inner}, 1, times)},
    ],
)
def test_nesting_has_a_bound_that_is_told(make):
    read_json_filter(make(MAX_FILTER_DEPTH - 1))
    with pytest.raises(FilterError, match=f"deeper than {MAX_FILTER_DEPTH} levels"):
        read_json_filter(make(MAX_FILTER_DEPTH + 1))
