from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from eagleray.contracts.hits import Granularity, SearchMode, SearchOptions
from eagleray.contracts.times import parse_instant
from eagleray.errors import FilterError, InvalidTimeError, QueryError
from indexes.masks.grammar import parse_filter
from ray_jobs.stages.question_rows import Asking, list_moments, list_rows

MOMENT = dt.datetime(2019, 3, 1, 9, 30, tzinfo=dt.UTC)
MICROS = parse_instant(MOMENT)


@pytest.fixture
def asking():
    return Asking(
        options=SearchOptions(k=3, mode=SearchMode.LEXICAL, granularity=Granularity.CHUNK),
        groups=frozenset({"rates", "credit"}),
        parse_filter=parse_filter,
    )


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_timestamps_of_any_unit_and_zone_name_their_moment(unit, zone):
    column = pa.chunked_array([pa.array([MOMENT, None], pa.timestamp(unit, zone))])
    assert list_moments(column) == [MICROS, None]


def test_dates_are_midnight_utc_and_text_is_read(asking):
    days = pa.chunked_array([pa.array([dt.date(2019, 3, 1)])])
    expected = parse_instant("2019-03-01")
    assert list_moments(days) == [expected]
    assert asking.make_request({"query": "swap", "as_of": "2019-03-01"}).as_of == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_timestamp_without_a_zone_is_refused(asking, unit):
    table = pa.table({"query": ["swap"], "as_of": pa.array([0], pa.timestamp(unit))})
    (row,) = list_rows(table)
    with pytest.raises(InvalidTimeError, match="no time zone"):
        asking.make_request(row)


def test_a_time_too_far_for_its_unit_is_one_refusal_and_no_overflow(asking):
    table = pa.table({"query": ["swap", "bond"], "as_of": pa.array([1 << 60, 0], pa.timestamp("s", "UTC"))})
    far, near = list_rows(table)
    with pytest.raises(InvalidTimeError, match="outside the years"):
        asking.make_request(far)
    assert asking.make_request(near).as_of == 0


@pytest.mark.parametrize("query", [None, "", "  \n"])
def test_an_empty_query_is_refused(asking, query):
    with pytest.raises(QueryError, match="query is empty"):
        asking.make_request({"query": query})


@pytest.mark.parametrize("as_of", ["", "yesterday", "2019-03-01T09:30"])
def test_a_text_that_is_no_time_is_refused(asking, as_of):
    with pytest.raises(InvalidTimeError):
        asking.make_request({"query": "swap", "as_of": as_of})


def test_a_bad_filter_is_refused_each_time_and_a_good_one_read_once(asking):
    for _ in range(2):
        with pytest.raises(FilterError):
            asking.make_request({"query": "swap", "filter": "year >>"})
    made = [asking.make_request({"query": "swap", "filter": "year >= 2019"}) for _ in range(2)]
    assert made[0].filter is made[1].filter
    assert asking.make_request({"query": "swap", "filter": None}).filter is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, {"rates", "credit"}),
        ({"groups": ["rates"]}, {"rates"}),
        ({"groups": []}, set()),
        ({"groups": None}, set()),
    ],
)
def test_a_question_may_name_fewer_groups(asking, row, expected):
    assert asking.make_request({"query": "swap", **row}).principal.groups == expected


@pytest.mark.parametrize("groups", [["equity"], ["rates", "equity"], ["rates", None]])
def test_a_question_never_gains_a_group(asking, groups):
    with pytest.raises(QueryError):
        asking.make_request({"query": "swap", "groups": groups})


def test_zones_narrow_and_none_are_all(asking):
    assert asking.make_request({"query": "swap", "zones": ["london"]}).principal.zones == {"london"}
    assert asking.make_request({"query": "swap", "zones": []}).principal.zones == frozenset()
    assert asking.make_request({"query": "swap", "zones": None}).principal.zones is None
