from __future__ import annotations

from decimal import Decimal

import pytest

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.times import MAX_INSTANT, MIN_INSTANT, OPEN_END, parse_instant
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping, load_mapping
from eagleray.documents.records import InputFile
from eagleray.errors import MappingError

FILE = InputFile(source="desk/a.jsonl", modified=parse_instant("2020-01-01"))


def map_default(*, modified=FILE.modified, **fields):
    file = InputFile(source=FILE.source, modified=modified)
    record = file.make_record("", {"_id": "d", "text": "some text"} | fields)
    return apply_mapping(DEFAULT_MAPPING, record)


def map_with(tmp_path, rules, **fields):
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "doc_id: {field: _id}\ntext: {field: text}\nknown_from: {file: modified}\n" + rules, encoding="utf-8"
    )
    record = FILE.make_record("", {"_id": "d", "text": "some text"} | fields)
    return apply_mapping(load_mapping(path), record)


OUTSIDE = ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "10000-01-01T00:00:00.000000Z"]


@pytest.mark.parametrize("name", ["known_from", "known_to", "event_time"])
@pytest.mark.parametrize("text", OUTSIDE)
def test_a_time_outside_the_years_in_utc_is_a_dead_letter(name, text):
    letter = map_default(**{name: text})
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.INVALID_TIME
    assert "outside the years 1 to 9999" in letter.detail


@pytest.mark.parametrize("number", [MAX_INSTANT + 1, MIN_INSTANT - 1, "1e400", 10**400, Decimal("1e999999")])
def test_a_number_since_1970_outside_the_years_is_a_dead_letter(tmp_path, number):
    rule = "event_time: {field: at, format: epoch_us, optional: true}\n"
    letter = map_with(tmp_path, rule, at=number)
    assert isinstance(letter, DeadLetter)
    assert "outside the years 1 to 9999" in letter.detail


def test_a_decimal_since_1970_is_read_exactly(tmp_path):
    rule = "event_time: {field: at, format: epoch_s, optional: true}\n"
    assert map_with(tmp_path, rule, at=Decimal("1500000000.123456")).event_time == 1_500_000_000_123_456


def test_a_file_changed_outside_the_years_is_a_dead_letter():
    letter = map_default(modified=MAX_INSTANT + 1)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.INVALID_TIME


@pytest.mark.parametrize("text", ["infinity", " Infinity", "+infinity", "inf"])
def test_infinity_is_no_end(text):
    assert map_default(known_to=text).known_to == OPEN_END


@pytest.mark.parametrize("text", ["infinity", "-infinity"])
def test_an_infinite_event_time_is_none(text):
    document = map_default(event_time=text)
    assert isinstance(document, Document)
    assert document.event_time is None


@pytest.mark.parametrize(
    "fields", [{"known_from": "infinity"}, {"known_from": "-inf"}, {"known_to": "-infinity"}]
)
def test_what_must_be_a_moment_cannot_be_infinite(fields):
    letter = map_default(**fields)
    assert isinstance(letter, DeadLetter)
    assert "an infinite time names no moment" in letter.detail


def test_an_infinite_time_attribute_is_left_out(tmp_path):
    rules = "attributes:\n  valid_to: {field: valid_to, type: time, optional: true}\n"
    assert map_with(tmp_path, rules, valid_to="infinity").attributes == {}
    assert map_with(tmp_path, rules, valid_to="2020-01-01").attributes == {"valid_to": "2020-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "number", [2**63 - 1, str(2**63 - 1), float(2**63), Decimal(2**63 - 1), float("inf")]
)
@pytest.mark.parametrize("unit", ["epoch_s", "epoch_ms", "epoch_us"])
def test_the_greatest_number_of_64_bits_is_no_end(tmp_path, unit, number):
    ends = f"known_to: {{field: at, format: {unit}, optional: true}}\n"
    about = f"event_time: {{field: at, format: {unit}, optional: true}}\n"
    assert map_with(tmp_path, ends, at=number).known_to == OPEN_END
    assert map_with(tmp_path, about, at=number).event_time is None
    below = -number if not isinstance(number, str) else f"-{number}"
    assert map_with(tmp_path, about, at=below).event_time is None
    letter = map_with(tmp_path, ends, at=below)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.INVALID_TIME


@pytest.mark.parametrize(
    "rule", ["known_to: {field: at, optional: true}", "known_to: {field: at, format: '%Y'}"]
)
def test_a_number_is_no_time_unless_the_rule_says_so(tmp_path, rule):
    for number in (2**63 - 1, str(2**63 - 1)):
        letter = map_with(tmp_path, f"{rule}\n", at=number)
        assert isinstance(letter, DeadLetter)
        assert letter.reason is DeadLetterReason.INVALID_TIME


def test_each_place_of_a_list_has_its_own_format_and_zone_and_takes_those_of_the_rule_else(tmp_path):
    rules = """
event_time:
  format: epoch_s
  from:
    - {field: sent, format: '%d/%m/%Y %H:%M', zone: Asia/Tokyo}
    - {field: seconds}
attributes:
  traded:
    type: time
    from: [{field: traded, format: '%Y%m%d', zone: America/New_York}, {field: sold, zone: UTC}]
"""
    sent = map_with(tmp_path, rules, sent="01/03/2019 09:30", traded="20190301")
    assert sent.event_time == parse_instant("2019-03-01T00:30:00Z")
    assert sent.attributes["traded"] == "2019-03-01T05:00:00Z"
    other = map_with(tmp_path, rules, seconds=10, sold="2019-03-01T09:00")
    assert (other.event_time, other.attributes["traded"]) == (10_000_000, "2019-03-01T09:00:00Z")


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("title: {from: [{field: a, format: '%Y'}]}", "unknown key 'format'"),
        ("event_time: {from: [{field: a, zone: Mars}]}", "not an IANA time zone"),
        ("event_time: {from: [{constant: '2019-13', format: '%Y-%m'}]}", "expected the format '%Y-%m'"),
    ],
)
def test_a_format_of_a_place_is_checked_where_it_stands(tmp_path, rule, part):
    with pytest.raises(MappingError, match=part):
        map_with(tmp_path, rule)
