from __future__ import annotations

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.times import parse_instant
from eagleray.digests import canonical_json
from eagleray.errors import InputError
from indexes.segments.attributes import find_attribute_types, merge_attribute_types, read_typed_values

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(
    st.text(max_size=4),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.text(max_size=3), max_size=3),
    st.dates().map(lambda day: day.isoformat()),
    st.none(),
)
DOCUMENTS = st.lists(st.dictionaries(NAMES, VALUES).map(lambda value: canonical_json(value).decode()))
TYPES = st.dictionaries(NAMES, st.sets(st.sampled_from(AttributeType), min_size=1).map(sorted).map(tuple))


@given(TYPES, TYPES, TYPES)
def test_merging_types_is_associative_commutative_and_idempotent(a, b, c):
    merge = merge_attribute_types
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, b) == merge(b, a)
    assert merge(a, a) == a


@given(DOCUMENTS, st.integers(0, 20))
def test_any_split_of_the_rows_gives_the_same_types(documents, cut):
    parts = (find_attribute_types(documents[:cut]), find_attribute_types(documents[cut:]))
    assert merge_attribute_types(*parts) == find_attribute_types(documents)


@pytest.mark.parametrize(
    ("value", "kind", "held"),
    [
        (1, AttributeType.INTEGER, 1),
        (-(2**63), AttributeType.INTEGER, -(2**63)),
        (2**53 + 1, AttributeType.INTEGER, 2**53 + 1),
        (1.0, AttributeType.NUMBER, 1.0),
        (True, AttributeType.BOOLEAN, True),
        ("x", AttributeType.STRING, "x"),
        ([], AttributeType.STRINGS, []),
        (["x", "2019-03-01"], AttributeType.STRINGS, ["x", "2019-03-01"]),
        ("2019-03-01", AttributeType.TIME, parse_instant("2019-03-01")),
        ("2019-03-01T09:30:00.5+01:00", AttributeType.TIME, parse_instant("2019-03-01T08:30:00.5Z")),
        ("2019-03-01T09:30:00", AttributeType.STRING, "2019-03-01T09:30:00"),
        ("2019-02-30", AttributeType.STRING, "2019-02-30"),
        ("20190301", AttributeType.STRING, "20190301"),
        ("\u0662019-03-01", AttributeType.STRING, "\u0662019-03-01"),
    ],
)
def test_a_value_keeps_its_type_whatever_stands_beside_it(value, kind, held):
    for beside in ({}, {"b": "x"}, {"b": 1}):
        found = read_typed_values(json.dumps({"a": value, **beside}))["a"]
        assert found == (kind, held)
        assert type(found[1]) is type(held)


def test_text_that_was_declared_text_is_no_time():
    assert read_typed_values('{"a":"2019-03-01"}', texts={"a"}) == {"a": ("string", "2019-03-01")}


@pytest.mark.parametrize("value", ["{}", "[1]", "9223372036854775808", "1e999", '["a",null]'])
def test_what_no_attribute_can_be_is_refused(value):
    with pytest.raises(InputError, match="attribute 'a': expected"):
        read_typed_values(f'{{"a":{value}}}')


@pytest.mark.parametrize("text", ["[]", "{", "3"])
def test_attributes_that_are_no_object_are_refused(text):
    with pytest.raises(InputError, match="JSON object"):
        find_attribute_types([text])
