from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.times import OPEN_END, format_micros, from_micros, parse_instant, to_micros
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
