from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.times import (
    MAX_INSTANT,
    MIN_INSTANT,
    OPEN_END,
    check_instant,
    format_micros,
    from_micros,
    parse_instant,
    to_micros,
)
from eagleray.errors import InvalidTimeError


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))
def test_a_time_survives_the_way_to_microseconds_and_back(moment):
    assert from_micros(to_micros(moment)) == moment
    assert parse_instant(format_micros(to_micros(moment))) == to_micros(moment)


def test_an_offset_is_honoured():
    assert parse_instant("1970-01-01T01:00:00+01:00") == 0
    assert parse_instant("1970-01-01T00:00:00Z") == 0


def test_a_bare_date_is_midnight_in_the_default_zone():
    assert parse_instant("1970-01-02") == 86_400_000_000
    assert parse_instant(date(1970, 1, 2)) == 86_400_000_000
    assert parse_instant("2020-01-01", default_zone="America/New_York") == parse_instant(
        "2020-01-01T05:00:00Z"
    )


@pytest.mark.parametrize("text", ["2020-01-01T10:00:00", "yesterday", "2020-13-01", ""])
def test_what_names_no_instant_is_refused(text):
    with pytest.raises(InvalidTimeError):
        parse_instant(text)


def test_an_unknown_zone_is_refused():
    with pytest.raises(InvalidTimeError, match="IANA"):
        parse_instant("2020-01-01T10:00", default_zone="Mars/Olympus")


def test_the_open_end_reads_as_open():
    assert format_micros(OPEN_END) == "open"


@given(
    st.datetimes(
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    ),
    st.sampled_from([None, "Asia/Tokyo", "America/New_York"]),
)
def test_what_is_taken_can_be_shown_and_read_back(moment, zone):
    for value in (moment, moment.isoformat(), moment.replace(tzinfo=None)):
        try:
            micros = parse_instant(value, default_zone=zone)
        except InvalidTimeError:
            continue
        assert MIN_INSTANT <= micros <= MAX_INSTANT
        assert parse_instant(format_micros(micros)) == to_micros(from_micros(micros)) == micros


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
        "+10000-01-01",
        "294276-12-31T23:59:59Z",
    ],
)
def test_what_is_outside_the_years_in_utc_is_refused(value):
    with pytest.raises(InvalidTimeError, match="outside the years 1 to 9999"):
        parse_instant(value)


def test_the_first_and_the_last_instant_are_taken():
    assert parse_instant("0001-01-01") == MIN_INSTANT
    assert parse_instant("9999-12-31T23:59:59.999999Z") == MAX_INSTANT
    with pytest.raises(InvalidTimeError):
        check_instant(MAX_INSTANT + 1)


def test_the_name_of_a_folder_of_zones_is_no_zone():
    with pytest.raises(InvalidTimeError, match="IANA"):
        parse_instant("2020-01-01T10:00", default_zone="America")
