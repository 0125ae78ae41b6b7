from __future__ import annotations

import pickle
from datetime import UTC, date, datetime

import pytest

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.times import OPEN_END, parse_instant
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping, load_mapping
from eagleray.documents.records import InputFile
from eagleray.errors import MappingError

FILE = InputFile(source="desk/2019/note.jsonl", modified=parse_instant("2020-01-01"))


def make_record(**fields):
    return FILE.make_record("byte 7", {"_id": "d", "text": "some text"} | fields)


def map_with(tmp_path, text, **fields):
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return apply_mapping(load_mapping(path), make_record(**fields))


def test_the_default_mapping_takes_the_beir_layout():
    metadata = {
        "company": "Cubic",
        "year": 2019,
        "share": 0.5,
        "is_audited": True,
        "topics": ["a", "b"],
        "issuer": {"name": "x", "id": {"lei": "y"}},
        "nothing": None,
        "pages": [1, 2],
        "groups": ["rates", "credit", "rates"],
        "zone": "eu",
    }
    document = apply_mapping(DEFAULT_MAPPING, make_record(title=" A  title ", metadata=metadata))
    assert isinstance(document, Document)
    assert document.attributes == {
        "company": "Cubic",
        "is_audited": True,
        "issuer.id.lei": "y",
        "issuer.name": "x",
        "share": 0.5,
        "topics": ("a", "b"),
        "year": 2019,
    }
    assert (document.doc_id, document.title, document.text) == ("d", "A title", "some text")
    assert (document.groups, document.zone) == (("credit", "rates"), "eu")
    assert (document.known_from, document.known_to) == (FILE.modified, OPEN_END)
    assert (document.source, document.position) == ("desk/2019/note.jsonl", "byte 7")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "a\x00b"},
        {"title": "a\x00"},
        {"_id": "\x00"},
        {"text": "half \ud800"},
        {"metadata": {"name": "a\x00"}},
        {"metadata": {"names": ["b", "a\udfff"]}},
        {"metadata": {"a\x00": 1}},
        {"groups": ["a\x00"]},
        {"zone": "a\x00"},
    ],
)
def test_what_can_be_neither_stored_nor_shown_is_a_dead_letter_wherever_it_stands(fields):
    letter = apply_mapping(DEFAULT_MAPPING, make_record(**fields))
    assert isinstance(letter, DeadLetter) and letter.reason is DeadLetterReason.INVALID_ENCODING


def test_times_beside_the_text_are_taken():
    document = apply_mapping(
        DEFAULT_MAPPING,
        make_record(known_from="2019-01-01", known_to="2019-02-01T00:00:00Z", event_time="2018-12-31"),
    )
    assert isinstance(document, Document)
    assert document.known_from == parse_instant("2019-01-01")
    assert document.known_to == parse_instant("2019-02-01")
    assert document.event_time == parse_instant("2018-12-31")


@pytest.mark.parametrize(
    ("fields", "reason", "detail"),
    [
        ({"_id": None}, DeadLetterReason.MISSING_FIELD, "doc_id"),
        ({"_id": " "}, DeadLetterReason.MISSING_FIELD, "doc_id"),
        ({"_id": ["x"]}, DeadLetterReason.WRONG_TYPE, "doc_id: expected string, found list"),
        ({"text": None}, DeadLetterReason.MISSING_FIELD, "field 'text'"),
        ({"text": " \n"}, DeadLetterReason.EMPTY_TEXT, "text"),
        ({"text": 1.5}, DeadLetterReason.WRONG_TYPE, "text: expected string, found number"),
        ({"known_from": "03/01/2019"}, DeadLetterReason.INVALID_TIME, "'99/99/9999'"),
        ({"known_from": "2019-03-01T09:30:00"}, DeadLetterReason.INVALID_TIME, "no time zone"),
        ({"known_from": 1551400000}, DeadLetterReason.INVALID_TIME, "epoch_s"),
        ({"known_from": True}, DeadLetterReason.INVALID_TIME, "boolean"),
        ({"known_to": "1999-01-01"}, DeadLetterReason.INVALID_TIME, "after known_from"),
        ({"groups": [""]}, DeadLetterReason.WRONG_TYPE, "groups"),
        ({"metadata": {"n": 2**63}}, DeadLetterReason.WRONG_TYPE, "attribute 'n'"),
        ({"metadata": {"n": float("inf")}}, DeadLetterReason.WRONG_TYPE, "attribute 'n'"),
    ],
)
def test_what_does_not_fit_is_a_dead_letter_that_says_why(fields, reason, detail):
    letter = apply_mapping(DEFAULT_MAPPING, make_record(**fields))
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.source, letter.position) == (reason, FILE.source, "byte 7")
    assert detail in letter.detail
    assert "some text" not in letter.detail


def test_a_wrong_value_never_stands_in_a_dead_letter(tmp_path):
    note = "Project Falcon buys 1,234 shares"
    letter = map_with(tmp_path, "known_from: {field: note}\n", note=note)
    assert isinstance(letter, DeadLetter)
    assert "Falcon" not in letter.detail and "1,234" not in letter.detail


def test_a_default_zone_makes_a_time_of_day_an_instant(tmp_path):
    document = map_with(
        tmp_path, "known_from: {field: at, zone: America/New_York}\n", at="2019-07-01T09:30:00"
    )
    assert isinstance(document, Document)
    assert document.known_from == parse_instant("2019-07-01T13:30:00Z")


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("format: '%d/%m/%Y'", "01/03/2019", "2019-03-01"),
        ("format: '%Y%m%dT%H%M%S%z'", "20190301T093000+0100", "2019-03-01T08:30:00Z"),
        ("format: epoch_s", 1551432600, "2019-03-01T09:30:00Z"),
        ("format: epoch_s", "1551432600.5", "2019-03-01T09:30:00.5Z"),
        ("format: epoch_ms", 1551432600000, "2019-03-01T09:30:00Z"),
        ("format: epoch_us", "1551432600000000", "2019-03-01T09:30:00Z"),
        ("optional: false", datetime(2019, 3, 1, 9, 30, tzinfo=UTC), "2019-03-01T09:30:00Z"),
        ("optional: false", date(2019, 3, 1), "2019-03-01"),
    ],
)
def test_times_are_read_in_the_declared_format(tmp_path, rule, value, expected):
    document = map_with(tmp_path, f"known_from: {{field: at, {rule}}}\n", at=value)
    assert isinstance(document, Document), document
    assert document.known_from == parse_instant(expected)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("format: '%d/%m/%Y %H:%M'", "01/03/2019 09:30"),
        ("format: epoch_s", 10**18),
        ("format: epoch_s", float("inf")),
        ("format: epoch_s", "soon"),
        ("format: epoch_s", "NaN"),
        ("format: epoch_s", "1e999999"),
        ("format: epoch_s", [1]),
    ],
)
def test_a_value_that_names_no_instant_is_a_dead_letter(tmp_path, rule, value):
    letter = map_with(tmp_path, f"known_from: {{field: at, {rule}}}\n", at=value)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.INVALID_TIME


def test_a_mapped_time_or_group_that_is_missing_is_a_dead_letter_unless_optional(tmp_path):
    for key in ("known_to", "event_time", "groups", "zone"):
        strict = map_with(tmp_path, f"{key}: {{field: absent}}\n")
        assert isinstance(strict, DeadLetter) and strict.reason is DeadLetterReason.MISSING_FIELD
        assert isinstance(map_with(tmp_path, f"{key}: {{field: absent, optional: true}}\n"), Document)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "a", "a"),
        ("integer", 3, 3),
        ("number", 3, 3.0),
        ("number", 2.5, 2.5),
        ("boolean", False, False),
        ("strings", ["a"], ("a",)),
        ("time", "2019-03-01T10:00:00+01:00", "2019-03-01T09:00:00Z"),
    ],
)
def test_declared_attributes_have_their_type(tmp_path, kind, value, expected):
    document = map_with(tmp_path, f"attributes: {{x: {{field: v, type: {kind}}}}}\n", v=value)
    assert isinstance(document, Document), document
    assert document.attributes == {"x": expected}
    assert type(document.attributes["x"]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("string", 3, "integer"),
        ("integer", "3", "string"),
        ("integer", True, "boolean"),
        ("integer", 2**63, "integer"),
        ("integer", 3.0, "number"),
        ("number", "3", "string"),
        ("number", float("nan"), "number"),
        ("boolean", 1, "integer"),
        ("strings", "a", "string"),
        ("strings", ["a", 1], "list"),
        ("string", {"a": 1}, "object"),
    ],
)
def test_another_type_names_attribute_expected_and_found(tmp_path, kind, value, found):
    letter = map_with(tmp_path, f"attributes: {{x: {{field: v, type: {kind}}}}}\n", v=value)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.WRONG_TYPE
    assert letter.detail == f"x: expected {kind}, found {found}"
    assert letter.doc_id == "d"


def test_text_from_the_path_is_read_as_the_declared_type(tmp_path):
    rules = "attributes: {year: {path: '/(?P<value>\\d{4})/', type: integer}}\n"
    document = map_with(tmp_path, rules)
    assert isinstance(document, Document)
    assert document.attributes == {"year": 2019}


def test_a_declared_attribute_wins_over_an_open_one(tmp_path):
    rules = "attributes: {year: {constant: 1, type: integer}}\nother_attributes: {field: metadata}\n"
    document = map_with(tmp_path, rules, metadata={"year": 2, "lang": "en"})
    assert isinstance(document, Document)
    assert document.attributes == {"lang": "en", "year": 1}


def test_a_key_that_holds_dots_is_found_before_a_nested_one(tmp_path):
    document = map_with(tmp_path, "title: {field: a.b}\n", **{"a.b": "flat", "a": {"b": "nested"}})
    assert isinstance(document, Document)
    assert document.title == "flat"


def test_a_mapping_survives_pickling():
    assert pickle.loads(pickle.dumps(DEFAULT_MAPPING)) == DEFAULT_MAPPING  # noqa: S301 - our own bytes


@pytest.mark.parametrize("name", ["", "a" * 257, "a\nb", "\x1b[31m", "\x85", "\u2028"])
def test_an_attribute_that_nobody_could_ask_for_is_a_dead_letter_that_shows_no_control_character(name):
    letter = apply_mapping(DEFAULT_MAPPING, make_record(metadata={name: 1}))
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.WRONG_TYPE
    assert "name of an attribute: expected 1 to 256 characters" in letter.detail
    assert letter.detail.isprintable()
    assert len(letter.detail) < 250


@pytest.mark.parametrize("name", ["known_from", "a b", 'with "quotes"', "a.b", "\u00fc" * 256, "and", " "])
def test_names_may_be_odd(name):
    assert apply_mapping(DEFAULT_MAPPING, make_record(metadata={name: 1})).attributes == {name: 1}


def test_names_that_look_alike_are_one(tmp_path):
    plain = apply_mapping(DEFAULT_MAPPING, make_record(metadata={"gro\u0308sse": 1, "\ufeffdesk": "rates"}))
    assert plain.attributes == {"gr\u00f6sse": 1, "desk": "rates"}
    declared = "attributes:\n  gro\u0308sse: {field: size, type: integer}\n"
    assert map_with(tmp_path, declared, size=1).attributes == {"gr\u00f6sse": 1}
    assert isinstance(apply_mapping(DEFAULT_MAPPING, make_record(metadata={"\u200b": 1})), DeadLetter)


def test_a_document_has_at_most_1024_attributes():
    metadata = {f"a{number}": number for number in range(1_024)}
    assert apply_mapping(DEFAULT_MAPPING, make_record(metadata=metadata)).attributes == metadata
    letter = apply_mapping(DEFAULT_MAPPING, make_record(metadata={**metadata, "more": 1}))
    assert letter.detail == "expected at most 1024 attributes, found 1025"


def test_a_mapping_names_attributes_that_can_be_asked_for(tmp_path):
    with pytest.raises(MappingError, match="expected 1 to 256 characters"):
        map_with(tmp_path, 'attributes:\n  "a\\tb": {field: x, type: string}\n')


def test_whatever_goes_wrong_with_a_record_is_a_dead_letter_without_its_text(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("eagleray.documents.mapping_records.find_elements", fail)
    letter = apply_mapping(DEFAULT_MAPPING, make_record())
    assert letter.reason is DeadLetterReason.PARSER_FAILED
    assert "ZeroDivisionError" in letter.detail
    assert "secret" not in letter.detail


@pytest.mark.parametrize(
    ("value", "found"), [('{"groups": ["a"]}', "string"), (["a"], "list"), (5, "integer")]
)
def test_metadata_that_is_no_object_is_a_dead_letter_for_groups_may_stand_in_it(value, found):
    letter = apply_mapping(DEFAULT_MAPPING, make_record(_id="d", text="t", metadata=value))
    assert isinstance(letter, DeadLetter)
    assert letter.detail == f"metadata: expected an object, found {found}"
    document = apply_mapping(DEFAULT_MAPPING, make_record(_id="d", text="t", metadata=None))
    assert document.attributes == {}


def test_a_name_that_no_request_could_carry_is_a_dead_letter():
    assert apply_mapping(DEFAULT_MAPPING, make_record(_id="d" * 1024, text="t")).doc_id == "d" * 1024
    letter = apply_mapping(DEFAULT_MAPPING, make_record(_id="d" * 1025, text="t"))
    assert letter.detail == "doc_id: expected at most 1024 characters, found 1025; map a shorter one"


def test_only_what_can_be_optional_is_advised_to_be_marked_so(tmp_path):
    letter = apply_mapping(DEFAULT_MAPPING, make_record(text=None))
    assert letter.detail.endswith("found nothing; map it from elsewhere")
    mapped = map_with(tmp_path, "attributes: {text: {field: desk, type: string, optional: false}}\n")
    assert mapped.detail.endswith("found nothing; map it from elsewhere or mark it optional")
