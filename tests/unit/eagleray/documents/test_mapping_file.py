from __future__ import annotations

import pytest

from eagleray.documents.mapping import DEFAULT_MAPPING, load_mapping
from eagleray.errors import MappingError


def load(tmp_path, text):
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


@pytest.mark.parametrize(
    ("text", "line", "detail"),
    [
        ("text: {field: a}\natributes: {}\n", 2, "did you mean 'attributes'"),
        ("known_from: {feild: a}\n", 1, "did you mean 'field'"),
        ("text:\n  field: a\n  path: b\n", 2, "exactly one of"),
        ("text: {optional: false}\n", 1, "found none"),
        ("text: body\n", 1, "expected {field: NAME}"),
        ("title: {field: a}\ntitle: {field: b}\n", 2, "stands twice"),
        ("title:\n  path: '(\\d+'\n", 2, "not a regular expression"),
        ("title:\n  path: '(\\d+)'\n", 2, "group named value"),
        ("title: {file: modified}\n", 1, "unknown value 'modified'"),
        ("known_from: {file: stem}\n", 1, "unknown value 'stem'"),
        ("\nknown_from:\n  field: a\n  zone: Mars/Base\n", 4, "is not an IANA time zone"),
        ("known_from:\n  field: a\n  format: '%Q'\n", 3, "'Q' is a bad directive"),
        ("known_from:\n  field: a\n  format: '%H:%M'\n", 3, "names no year"),
        ("known_from:\n  field: a\n  format: '%%Y'\n", 3, "names no year"),
        ("known_from:\n  field: a\n  format: epoch_msec\n", 3, "or one of epoch_s, epoch_ms, epoch_us"),
        ("known_from:\n  from:\n    - {field: a, format: '%Y-%-d'}\n", 3, "bad directive"),
        ('title: {path: "(?P<value>\\d)"}\n', 1, "write regular expressions in single quotes"),
        ("known_from: {field: a, optional: true}\n", 1, "cannot be optional"),
        ("known_from: {field: a, optional: maybe}\n", 1, "expected one of true, false"),
        ("known_from: {constant: yesterday}\n", 1, "not an ISO 8601 time"),
        ("groups: {constant: 3}\n", 1, "found integer"),
        ("doc_id: {constant: a}\n", 1, "every document the same"),
        ("attributes:\n  a: {field: x}\n", 2, "needs `type:`"),
        ("attributes:\n  a: {field: x, type: strng}\n", 2, "did you mean 'string'"),
        ("attributes:\n  a: {constant: x, type: integer}\n", 2, "expected integer, found string"),
        ("title: {field: a, zone: UTC}\n", 1, "unknown key 'zone'"),
        ("title: {from: []}\n", 1, "at least one"),
        ("title: {from: [{field: a}], field: b}\n", 1, "keep one"),
        ("other_attributes: {field: [a]}\n", 1, "expected text"),
        ("- a\n", 1, "expected `key: value` lines"),
        ("a: [\n", 2, "not valid YAML"),
        ("a: \x00\n", 1, "not valid YAML"),
        ("", 1, "empty"),
    ],
)
def test_a_fault_names_its_line(tmp_path, text, line, detail):
    with pytest.raises(MappingError) as caught:
        load(tmp_path, text)
    assert caught.value.line == line
    assert detail in caught.value.detail


def test_a_file_that_is_not_there_is_a_mapping_error(tmp_path):
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")


def test_what_is_left_out_is_as_in_the_default(tmp_path):
    mapping = load(tmp_path, "known_from: {field: metadata.date}\n")
    assert mapping.text == DEFAULT_MAPPING.text
    assert mapping.other_attributes == "metadata"
    assert mapping.known_from != DEFAULT_MAPPING.known_from


def test_layout_and_comments_do_not_change_the_digest_but_rules_do(tmp_path):
    first = load(tmp_path, "title: {field: a}\ntext: {field: b}\n")
    second = load(tmp_path, "# a comment\ntext:\n  field: b\ntitle:\n  field: a\n")
    third = load(tmp_path, "title: {field: a}\ntext: {field: c}\n")
    assert first.digest == second.digest
    assert len({first.digest, third.digest, DEFAULT_MAPPING.digest}) == 3


def test_an_unquoted_date_is_a_constant_time(tmp_path):
    mapping = load(tmp_path, "known_from: {constant: 2019-01-02}\n")
    assert mapping.known_from.origins[0].constant == "2019-01-02"


def test_a_file_that_is_nested_too_deeply_is_a_mapping_error(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text("title: " + "[" * 20_000)
    with pytest.raises(MappingError, match="nested too deeply"):
        load_mapping(path)
