"""Filters over a segment against the same filters over Python's values, one row at a time."""

from __future__ import annotations

import json
import operator
import random
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.collections import Collection
from eagleray.contracts.filters import And, Compare, Comparison, Contains, IsIn, IsNull, Not, Or, StartsWith
from eagleray.digests import canonical_json
from indexes.masks.columns import evaluate_filter
from indexes.masks.grammar import parse_filter
from indexes.masks.numbers import compare_numbers, find_numbers
from indexes.segments.opened_segment import open_segment
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
    """A segment's view, and each row's attributes as they were written."""
    drawn = random.Random(7)  # noqa: S311 - draws values, not secrets
    rows = make_rows(np.random.default_rng(7), n_documents=40)
    for row in rows:
        attributes = {name: drawn.choice(values) for name, values in VALUES.items() if drawn.random() < 0.8}
        row["attributes"] = canonical_json(attributes).decode()
    written = {row["chunk_id"]: json.loads(row["attributes"]) for row in rows}
    store = LocalStore(tmp_path_factory.mktemp("store"))
    digest = put_segment(store, rows, make_vectors(np.random.default_rng(1), len(rows)))
    view = open_segment(Collection(store, SPEC.name), digest)
    return view, [dict.fromkeys(VALUES) | written[chunk_id] for chunk_id in view.chunk_ids.tolist()]


def judge(expression, row):
    """Return true, false or `None`, as SQL has it."""
    match expression:
        case And(operands=operands) | Or(operands=operands):
            settles = isinstance(expression, Or)
            found = [judge(operand, row) for operand in operands]
            return settles if settles in found else None if None in found else not settles
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
    view, rows = collection
    expected = [judge(expression, row) is True for row in rows]
    assert evaluate_filter(expression, view).tolist() == expected


def test_a_prefix_reads_the_columns_every_row_has_too(collection):
    view, _ = collection
    found = evaluate_filter(StartsWith(column="source", prefix="notes/1"), view)
    sources = view.rows["source"].to_pylist()
    assert found.tolist() == [source.startswith("notes/1") for source in sources]


@pytest.fixture(scope="module")
def drifted(tmp_path_factory):
    """Open rows, each with another value of one attribute, as some segments; tell which a filter selects."""
    values = [
        *(1, 1.0, 2**53, 2**53 + 1, float(2**53), 1.5, -0.0, 0, 2**63 - 1, -(2**63), True, False),
        *("a", "1", "n/a", "2019-01-01", "2019-01-01T01:00:00+01:00", "2019-01-01T00:00:00", "2018 report"),
        *(["a", "b"], ["2019-01-01"], [], None),
    ]
    rows = make_rows(np.random.default_rng(7), n_documents=40)[: len(values)]
    for row, value in zip(rows, values, strict=True):
        row["attributes"] = canonical_json({} if value is None else {"x": value}).decode()
    store = LocalStore(tmp_path_factory.mktemp("drifted"))
    vectors = make_vectors(np.random.default_rng(1), len(rows))
    by_id = dict(zip((row["chunk_id"] for row in rows), values, strict=True))

    @cache
    def open_in(n_segments):
        views = [
            open_segment(
                Collection(store, SPEC.name),
                put_segment(store, rows[part::n_segments], vectors[part::n_segments]),
            )
            for part in range(n_segments)
        ]

        def select(expression):
            found = [
                chunk_id
                for view in views
                for chunk_id, is_found in zip(
                    view.chunk_ids.tolist(), evaluate_filter(expression, view).tolist(), strict=True
                )
                if is_found
            ]
            return [repr(by_id[row["chunk_id"]]) for row in rows if row["chunk_id"] in found]

        return select

    return open_in


DAY_2019 = ["'2019-01-01'", "'2019-01-01T01:00:00+01:00'"]


@pytest.mark.parametrize("n_segments", [1, 3, 23])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", ["1", "1.0"]),
        ("x = true", ["True"]),
        ("x != true", None),
        ("x = 0", ["-0.0", "0"]),
        ("x in (0.0, 7)", ["-0.0", "0"]),
        ("x = 9007199254740992", ["9007199254740992", "9007199254740992.0"]),
        ("x = 9007199254740993", ["9007199254740993"]),
        ("x > 9007199254740992", ["9007199254740993", str(2**63 - 1)]),
        ("x in (9007199254740993, 1.5)", ["9007199254740993", "1.5"]),
        ("x > 1 and x < 2", ["1.5"]),
        ("x >= 9223372036854775807", [str(2**63 - 1)]),
        ("x > 9223372036854775807", []),
        ("x < -1e300", []),
        ("x < -9223372036854775807", [str(-(2**63))]),
        ("x = 99999999999999999999999", []),
        ('x = "a"', ["'a'", "['a', 'b']"]),
        ('x contains "b"', ["['a', 'b']"]),
        ('x in ("b", 1)', ["1", "1.0", "['a', 'b']"]),
        ('x = "1"', ["'1'"]),
        ('x = "2019-01-01"', [*DAY_2019, "['2019-01-01']"]),
        ('x in ("2019-01-01T00:00:00Z")', DAY_2019),
        ('x >= "2018-06-01"', [*DAY_2019, "'2019-01-01T00:00:00'", "['2019-01-01']"]),
        ('x < "2018-06-01"', []),
        ('x starts with "20"', ["'2019-01-01T00:00:00'", "'2018 report'", "['2019-01-01']"]),
        ("x is null", ["None"]),
        ("not (x < 5 or x >= 5 or x is null)", None),
    ],
)
def test_each_value_is_judged_by_its_own_type_however_rows_are_split(drifted, n_segments, text, expected):
    select = drifted(n_segments)
    found = select(parse_filter(text))
    if expected is not None:
        assert found == expected
    assert found == drifted(1)(parse_filter(text))


@given(
    literal=st.one_of(st.integers(-(2**65), 2**65), st.floats(allow_nan=False, allow_infinity=False)),
    values=st.lists(
        st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(2**53 - 3, 2**53 + 3)), min_size=1
    ),
    op=st.sampled_from([op for op in Comparison if op is not Comparison.NE]),
)
def test_numbers_compare_exactly_as_real_numbers(literal, values, op):
    columns = [pa.array(values, pa.int64()), pa.array([float(value) for value in values], pa.float64())]
    for column in columns:
        held = column.to_pylist()
        assert compare_numbers(column, op, literal).to_pylist() == [OPERATORS[op](v, literal) for v in held]
        assert find_numbers(column, [literal, held[0]]).to_pylist() == [v in (literal, held[0]) for v in held]


def test_an_attribute_never_hides_the_column_whose_name_it_has(tmp_path):
    rows = make_rows(np.random.default_rng(7), n_documents=3)
    for row in rows:
        row["attributes"] = canonical_json({"known_from": "x", "zone": 5}).decode()
    store = LocalStore(tmp_path)
    vectors = make_vectors(np.random.default_rng(1), len(rows))
    view = open_segment(Collection(store, SPEC.name), put_segment(store, rows, vectors))
    for text in (
        'known_from >= "1960-01-01"',
        'zone = "default"',
        'attributes.known_from = "x"',
        "attributes.zone = 5",
    ):
        assert evaluate_filter(parse_filter(text), view).all(), text
