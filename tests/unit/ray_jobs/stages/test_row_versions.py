from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from ray_jobs.stages.row_versions import join_rows
from tests.small_collections import make_rows

ROWS = [
    {**row, "position": f"row {number}"}
    for number, row in enumerate(make_rows(np.random.default_rng(3), n_documents=6), start=1)
]
LONG = next(row["doc_id"] for row in ROWS if row["ordinal"] == 1)


def join(rows):
    return join_rows(pa.Table.from_pylist(rows, schema=DELIVERED_SCHEMA))


def test_rows_of_a_version_get_the_position_of_the_first_whatever_their_order():
    joined, letters = join(ROWS[::-1])
    assert letters == ()
    firsts = {row["doc_id"]: row["position"] for row in reversed(ROWS)}
    assert {row["doc_id"]: row["position"] for row in joined.to_pylist()} == firsts
    assert joined.num_rows == len(ROWS)
    assert joined.equals(join(ROWS)[0])


def test_a_row_that_is_there_twice_comes_once():
    again = [{**row, "position": f"row {100 + number}"} for number, row in enumerate(ROWS)]
    assert join(ROWS + again)[0].equals(join(ROWS)[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [("groups", ["all"]), ("known_from", 1), ("known_to", 2**50), ("zone", "other"), ("attributes", "{}")],
)
def test_all_rows_of_a_version_are_set_aside_where_one_disagrees(name, value):
    rows = [{**row, name: value} if row["doc_id"] == LONG and row["ordinal"] == 1 else row for row in ROWS]
    joined, letters = join(rows)
    assert LONG not in joined["doc_id"].to_pylist()
    assert {letter.position for letter in letters} == {
        row["position"] for row in ROWS if row["doc_id"] == LONG
    }
    assert all(f"differ in {name}" in letter.detail for letter in letters)


def test_two_texts_of_one_place_are_set_aside():
    other = {**next(row for row in ROWS if row["doc_id"] == LONG), "text": "other", "position": "row 99"}
    joined, letters = join([*ROWS, other])
    assert LONG not in joined["doc_id"].to_pylist()
    assert "same ordinal and other text" in letters[0].detail


def test_no_rows_are_no_rows():
    joined, letters = join([])
    assert (joined.num_rows, joined.schema, letters) == (0, DELIVERED_SCHEMA, ())
