"""Filters over a segment against the same filters over Python's values, one row at a time."""

from __future__ import annotations

import operator
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.filters import And, Compare, Comparison, Contains, IsIn, IsNull, Not, Or, StartsWith
from eagleray.digests import canonical_json
from eagleray.errors import FilterColumnError
from indexes.masks.columns import evaluate_filter
from indexes.segments.attributes import infer_attribute_types
from indexes.segments.opening import open_segment
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_rows, make_vectors, put_segment

NAMES = ["Cubic Corp", "Cubic", "cubic", "Vodafone", "Völkl", "", "50%", "a_b"]
VALUES = {
    "name": NAMES,
    "year": [2018, 2019, 2020],
    "yield": [-1.5, 0.0, 2.25],
    "is_open": [True, False],
    "tags": [[], ["a"], ["a", "b"], ["Cubic"]],
}
OPERATORS = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """A segment's view, the types of its attributes, and each row's attributes as Python holds them."""
    drawn = random.Random(7)  # noqa: S311 - draws values, not secrets
    rows = make_rows(np.random.default_rng(7), n_documents=40)
    for row in rows:
        attributes = {name: drawn.choice(values) for name, values in VALUES.items() if drawn.random() < 0.8}
        row["attributes"] = canonical_json(attributes).decode()
    types = infer_attribute_types([row["attributes"] for row in rows])
    store = LocalStore(tmp_path_factory.mktemp("store"))
    digest = put_segment(store, rows, make_vectors(np.random.default_rng(1), len(rows)), attributes=types)
    view = open_segment(store, SPEC.name, digest)
    columns = [view.rows[f"attr.{name}"].to_pylist() for name in VALUES]
    return view, types, [dict(zip(VALUES, values, strict=True)) for values in zip(*columns, strict=True)]


def judge(expression, row):
    """Return true, false or `None`, as SQL has it."""
    match expression:
        case And(operands=operands):
            found = [judge(operand, row) for operand in operands]
            return False if False in found else None if None in found else True
        case Or(operands=operands):
            found = [judge(operand, row) for operand in operands]
            return True if True in found else None if None in found else False
        case Not(operand=operand):
            found = judge(operand, row)
            return None if found is None else not found
        case IsNull(column=name):
            return row[name] is None
    value = row[expression.column]
    if value is None:
        return None
    match expression:
        case StartsWith(prefix=prefix):
            return value.startswith(prefix)
        case Contains(value=wanted):
            return wanted in value
        case IsIn(values=values):
            return any(item in values for item in value) if isinstance(value, list) else value in values
        case Compare(op=op, value=wanted):
            if isinstance(value, list):
                return (wanted in value) == (op is Comparison.EQ)
            return OPERATORS[op](value, wanted)


def list_conditions():
    """Return a strategy of conditions that fit the columns."""
    parts = [st.builds(IsNull, column=st.sampled_from(list(VALUES)))]
    for name in ("name", "year", "yield"):
        value = st.sampled_from(VALUES[name])
        parts.append(st.builds(Compare, column=st.just(name), op=st.sampled_from(Comparison), value=value))
        some = st.lists(value, min_size=1, max_size=3).map(tuple)
        parts.append(st.builds(IsIn, column=st.just(name), values=some))
    prefix = st.one_of(st.sampled_from(NAMES), st.sampled_from(["C", "c", "V", "%", "a_", "."]))
    tag = st.sampled_from(["a", "b", "Cubic", "z"])
    parts += [
        st.builds(StartsWith, column=st.just("name"), prefix=prefix),
        st.builds(Contains, column=st.just("tags"), value=tag),
        st.builds(IsIn, column=st.just("tags"), values=st.tuples(tag, tag)),
        st.builds(
            Compare,
            column=st.just("tags"),
            op=st.sampled_from([Comparison.EQ, Comparison.NE]),
            value=tag,
        ),
        st.builds(
            Compare,
            column=st.just("is_open"),
            op=st.sampled_from([Comparison.EQ, Comparison.NE]),
            value=st.booleans(),
        ),
    ]
    return st.one_of(parts)


def join(inner):
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Not, operand=inner), st.builds(And, operands=several), st.builds(Or, operands=several)
    )


@settings(max_examples=300)
@given(expression=st.recursive(list_conditions(), join, max_leaves=6))
def test_a_filter_selects_the_rows_for_which_it_is_true(collection, expression):
    view, types, rows = collection
    expected = [judge(expression, row) is True for row in rows]
    assert evaluate_filter(expression, view, types).tolist() == expected


@pytest.mark.parametrize(
    ("column", "part"),
    [("year", "year is of type integer, not string"), ("tags", "tags is of type strings, not string")],
)
def test_a_prefix_of_what_is_no_string_is_refused(collection, column, part):
    view, types, _ = collection
    with pytest.raises(FilterColumnError, match=part):
        evaluate_filter(StartsWith(column=column, prefix="2"), view, types)


def test_a_prefix_reads_the_columns_every_row_has_too(collection):
    view, types, _ = collection
    found = evaluate_filter(StartsWith(column="source", prefix="notes/1"), view, types)
    sources = view.rows["source"].to_pylist()
    assert found.tolist() == [source.startswith("notes/1") for source in sources]
    assert types["name"] is AttributeType.STRING
