from __future__ import annotations

import re
from collections import Counter

import pytest

from eagleray.contracts.hits import FacetRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import FilterError, QueryError
from indexes.masks.grammar import parse_filter
from tests.small_collections import DAY
from tests.unit.indexes.searching.test_searcher import (
    EVERYBODY,
    make_collection,
    make_searcher,
    open_rows,
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    rows = make_collection(12)
    return rows, make_searcher(open_rows(rows, tmp_path_factory.mktemp("desk"), n_segments=3))


def count(searcher, column, **more):
    request = FacetRequest(column=column, **{"principal": EVERYBODY, "n": 100, **more})
    return {row["value"]: row["documents"] for row in searcher.count_values(request)}


def count_by_hand(rows, column, *, as_of, is_seen=lambda row: True):
    pairs = {
        (value, row["doc_id"])
        for row in rows
        if row["known_from"] <= as_of < row["known_to"] and is_seen(row)
        for value in column(row)
    }
    return dict(Counter(value for value, _ in pairs))


def test_documents_count_once_a_value_as_of_a_time_and_for_a_caller(desk):
    rows, searcher = desk
    stranger = Principal(subject="x")
    for day in (5, 20, 45):
        expected = count_by_hand(rows, lambda row: [row["source"]], as_of=day * DAY)
        assert count(searcher, "source", as_of=day * DAY) == expected
        public = count_by_hand(
            rows, lambda row: [row["source"]], as_of=day * DAY, is_seen=lambda row: not row["groups"]
        )
        assert count(searcher, "source", as_of=day * DAY, principal=stranger) == public


def test_a_list_counts_for_each_member_and_a_filter_selects_what_counts(desk):
    _, searcher = desk
    everything = count(searcher, "tags")
    assert set(everything) == {"a", "b"}
    some = count(searcher, "tags", filter=parse_filter("year >= 2010"))
    assert 0 < some["a"] < everything["a"]


def test_the_commonest_come_first_and_only_as_many_as_wanted(desk):
    _, searcher = desk
    found = searcher.count_values(FacetRequest(column="ticker", principal=EVERYBODY, n=3))
    assert len(found) == 3
    assert [row["documents"] for row in found] == sorted((row["documents"] for row in found), reverse=True)


def test_times_are_shown_as_times(desk):
    _, searcher = desk
    assert all(re.fullmatch(r"1970-\d\d-\d\dT.*Z", value) for value in count(searcher, "known_from"))


def test_before_everything_nothing_counts(desk):
    assert count(desk[1], "ticker", as_of=-1) == {}


def test_a_column_that_is_not_there_and_no_value_wanted_are_refused(desk):
    with pytest.raises(FilterError, match="there is no column 'tikcer'; did you mean ticker"):
        count(desk[1], "tikcer")
    with pytest.raises(QueryError, match="n must be at least 1"):
        count(desk[1], "ticker", n=0)
