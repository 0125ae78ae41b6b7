from __future__ import annotations

import json

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.times import parse_instant
from eagleray.digests import canonical_json
from eagleray.errors import InputError
from indexes.segments.attributes import cast_attributes, infer_attribute_types, merge_attribute_types

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(
    st.text(max_size=4),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.text(max_size=3), max_size=3),
    st.dates().map(lambda day: day.isoformat()),
    st.none(),
)
DOCUMENTS = st.lists(st.dictionaries(NAMES, VALUES).map(lambda value: canonical_json(value).decode()))
TYPES = st.dictionaries(NAMES, st.sampled_from(AttributeType))


@given(TYPES, TYPES, TYPES)
def test_merging_types_is_associative_commutative_and_idempotent(a, b, c):
    merge = merge_attribute_types
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, b) == merge(b, a)
    assert merge(a, a) == a


@given(DOCUMENTS, st.integers(0, 20))
def test_any_split_of_the_rows_gives_the_same_types(documents, cut):
    parts = (infer_attribute_types(documents[:cut]), infer_attribute_types(documents[cut:]))
    assert merge_attribute_types(*parts) == infer_attribute_types(documents)


@given(DOCUMENTS)
def test_every_document_casts_to_the_types_inferred_from_all(documents):
    columns = cast_attributes(documents, infer_attribute_types(documents))
    for name, column in columns.items():
        present = [json.loads(document).get(name) is not None for document in documents]
        assert [value is not None for value in column.to_pylist()] == present


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5], AttributeType.NUMBER),
        ([1, -(2**63)], AttributeType.INTEGER),
        ([2**63], AttributeType.STRING),
        ([1, True], AttributeType.STRING),
        ([1, "x"], AttributeType.STRING),
        (["x", ["y"]], AttributeType.STRINGS),
        ([[]], AttributeType.STRINGS),
        (["2019-03-01", "2019-03-01T09:30:00.5+01:00"], AttributeType.TIME),
        (["2019-03-01T09:30:00"], AttributeType.STRING),
        (["2019-02-30"], AttributeType.STRING),
        (["20190301"], AttributeType.STRING),
        (["2019-03-01", 2019], AttributeType.STRING),
    ],
)
def test_types_follow_the_order_in_the_docstring(values, kind):
    assert infer_attribute_types(json.dumps({"a": value}) for value in values) == {"a": kind}


def test_values_are_cast_to_their_columns():
    kinds = {
        "i": AttributeType.INTEGER,
        "n": AttributeType.NUMBER,
        "s": AttributeType.STRING,
        "t": AttributeType.TIME,
        "l": AttributeType.STRINGS,
        "b": AttributeType.BOOLEAN,
    }
    document = json.dumps({"i": 3, "n": 2, "s": True, "t": "2019-03-01T09:30:00Z", "l": "x", "b": False})
    columns = cast_attributes([document, '{"s":1.5,"l":[1,"y"]}'], kinds)
    assert columns["i"].to_pylist() == [3, None]
    assert columns["n"].type == pa.float64()
    assert columns["n"].to_pylist() == [2.0, None]
    assert columns["s"].to_pylist() == ["true", "1.5"]
    assert columns["t"].to_pylist() == [parse_instant("2019-03-01T09:30:00Z"), None]
    assert columns["l"].to_pylist() == [["x"], ["1", "y"]]
    assert columns["b"].to_pylist() == [False, None]


@pytest.mark.parametrize("kinds", [{}, {"a": AttributeType.INTEGER}])
def test_a_value_outside_its_schema_is_refused(kinds):
    with pytest.raises(InputError, match="attribute 'a'"):
        cast_attributes(['{"a":"x"}'], kinds)


@pytest.mark.parametrize("text", ["[]", "{", "3"])
def test_attributes_that_are_no_object_are_refused(text):
    with pytest.raises(InputError, match="JSON object"):
        infer_attribute_types([text])
