from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.bounds import MAX_CONDITIONS, MAX_LISTED
from eagleray.errors import InputError
from serve.uploads.filters import MAX_DEPTH, read_filter

VALUES = st.one_of(
    st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0]), st.sampled_from(["a", "1"])
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["x", "y"]), VALUES)


def compare(kind, key, value):
    return {"type": kind, "key": key, "value": value}


@given(ATTRIBUTES, st.sampled_from(["x", "y"]), VALUES)
def test_one_and_only_one_of_two_opposites_holds_where_the_attribute_is(attributes, key, value):
    for one, other in (("eq", "ne"), ("in", "nin")):
        wanted = [value] if one == "in" else value
        found = [read_filter(compare(kind, key, wanted))(attributes) for kind in (one, other)]
        assert sum(found) == (key in attributes)


@given(ATTRIBUTES, ATTRIBUTES)
def test_and_or_are_those_of_their_parts(attributes, wanted):
    parts = [compare("eq", key, value) for key, value in wanted.items()] or [compare("eq", "x", 1)]
    each = [read_filter(part)(attributes) for part in parts]
    assert read_filter({"type": "and", "filters": parts})(attributes) == all(each)
    assert read_filter({"type": "or", "filters": parts})(attributes) == any(each)


def test_orders_compare_values_of_one_kind_alone():
    assert read_filter(compare("gte", "x", 2))({"x": 2.0})
    assert read_filter(compare("lt", "x", "b"))({"x": "a"})
    for value in ("3", True):
        assert not read_filter(compare("gt", "x", 2))({"x": value})
        assert not read_filter(compare("lte", "x", 2))({"x": value})
    assert not read_filter(compare("eq", "x", 1))({"x": True})


def test_names_and_texts_that_look_alike_are_equal():
    attributes = {"gro\u0308sse": "Zu\u0308rich", "n": 1}
    for key in ("gr\u00f6sse", "gro\u0308sse", "gr\u00f6\u00adsse"):
        assert read_filter(compare("eq", key, "Z\u00fcrich"))(attributes)
        assert read_filter(compare("in", key, ["Zu\u0308rich"]))(attributes)
        assert not read_filter(compare("ne", key, "Z\u00fcrich"))(attributes)
        assert read_filter(compare("gte", key, "Z\u00fcrich"))(attributes)


def nest(depth):
    return compare("eq", "x", 1) if depth == 0 else {"type": "and", "filters": [nest(depth - 1)]}


@pytest.mark.parametrize(
    "shown",
    [
        {},
        [],
        compare("like", "x", 1),
        compare("eq", 1, 1),
        compare("eq", "x", [1]),
        compare("eq", "x", None),
        compare("gt", "x", float("nan")),
        compare("in", "x", 1),
        compare("in", "x", [None]),
        {**compare("eq", "x", 1), "more": 1},
        {"type": "eq", "key": "x"},
        {"type": "and", "filters": []},
        {"type": ["and"], "filters": []},
        nest(MAX_DEPTH + 1),
    ],
)
def test_what_is_no_filter_is_refused(shown):
    with pytest.raises(InputError, match="filters"):
        read_filter(shown)


def test_a_filter_is_as_large_as_those_of_the_collection_and_no_larger():
    part = compare("eq", "x", 1)
    assert read_filter({"type": "or", "filters": [part] * MAX_CONDITIONS})({"x": 1})
    assert read_filter(compare("in", "x", list(range(MAX_LISTED))))({"x": MAX_LISTED - 1})
    half = {"type": "and", "filters": [part] * (MAX_CONDITIONS // 2 + 1)}
    for large in (
        {"type": "or", "filters": [part] * (MAX_CONDITIONS + 1)},
        {"type": "or", "filters": [half, half]},
        compare("in", "x", [1] * (MAX_LISTED + 1)),
        {"type": "and", "filters": [compare("nin", "x", [1] * (MAX_LISTED // 2 + 1))] * 2},
    ):
        with pytest.raises(InputError, match="at most 256 comparisons with 10,000 values"):
            read_filter(large)


def test_a_list_of_values_is_not_gone_through_for_each_file():
    selects = read_filter(compare("nin", "x", list(range(MAX_LISTED))))
    looked_at = Counted(-1)
    assert selects({"x": looked_at})
    assert looked_at.n_compared == 0


class Counted(int):
    """A number that counts what it is compared with."""

    def __init__(self, _):
        self.n_compared = 0

    def __eq__(self, other):
        self.n_compared += 1
        return int(self) == other

    __hash__ = int.__hash__
