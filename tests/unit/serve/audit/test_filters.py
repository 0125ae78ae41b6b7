from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from serve.audit.entries import dump
from serve.audit.filters import decode_filter, encode_filter

NAMES = st.sampled_from(["year", "and", "not", "kind"])
VALUES = st.one_of(
    st.text(st.characters(), max_size=5), st.integers(), st.booleans(), st.floats(allow_nan=False)
)
LEAVES = st.one_of(
    st.builds(Compare, column=NAMES, op=st.sampled_from(Comparison), value=VALUES),
    st.builds(IsIn, column=NAMES, values=st.lists(VALUES, max_size=3).map(tuple)),
    st.builds(IsNull, column=NAMES),
    st.builds(Contains, column=NAMES, value=st.text(max_size=5)),
    st.builds(StartsWith, column=NAMES, prefix=st.text(max_size=5)),
    st.builds(Matches, column=NAMES, words=st.text(max_size=5)),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, operand=inner),
        st.builds(And, operands=st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, operands=st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(expression=EXPRESSIONS)
def test_any_filter_comes_back_from_json_as_it_was(expression):
    again = decode_filter(json.loads(dump(encode_filter(expression))))
    assert repr(again) == repr(expression)  # tells 1 from 1.0 and True


def test_a_kind_that_is_unknown_is_refused():
    with pytest.raises(ValueError, match="Xor"):
        decode_filter({"kind": "Xor", "operands": []})
