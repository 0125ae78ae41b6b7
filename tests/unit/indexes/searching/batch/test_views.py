from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.times import LATEST, OPEN_END
from indexes.searching.batch.columns import Columns
from indexes.searching.batch.views import count_view, make_view

ROWS = st.lists(
    st.tuples(st.integers(0, 20), st.one_of(st.integers(0, 25), st.just(OPEN_END)), st.booleans()),
    max_size=40,
)


def make_columns(rows):
    known_from = np.array([row[0] for row in rows], dtype=np.int64)
    chunk_ids = np.arange(len(rows), dtype=np.int64)[::-1].copy()
    return Columns(
        starts=np.array([0, len(rows)]),
        known_from=known_from,
        known_to=np.array([row[1] for row in rows], dtype=np.int64),
        chunk_ids=chunk_ids,
        documents=chunk_ids,
        order=np.lexsort((chunk_ids, known_from)),
    )


@given(rows=ROWS, times=st.lists(st.one_of(st.integers(-1, 30), st.just(LATEST)), max_size=8))
def test_counts_are_those_of_looking_at_every_row(rows, times):
    view = make_view(make_columns(rows), np.array([row[2] for row in rows], dtype=np.bool_))
    counts = count_view(view, np.array(times, dtype=np.int64))
    for time, n_rows in zip(times, counts.n_rows, strict=True):
        assert n_rows == len([row for row in rows if row[2] and row[0] <= time < row[1]])


def test_a_prefix_holds_all_that_is_known_and_places_point_back(rng):
    rows = [(int(rng.integers(0, 9)), OPEN_END, bool(rng.random() < 0.7)) for _ in range(50)]
    view = make_view(make_columns(rows), np.array([row[2] for row in rows]))
    prefix = int(count_view(view, np.array([4])).prefixes[0])
    assert {int(number) for number in view.numbers[:prefix]} == {
        number for number, row in enumerate(rows) if row[2] and row[0] <= 4
    }
    assert view.places[view.numbers].tolist() == list(range(len(view)))
    assert (view.places == -1).sum() == sum(not row[2] for row in rows)


@pytest.mark.parametrize("time", [0, 10, LATEST])
def test_a_view_of_no_rows_counts_nothing(time):
    counts = count_view(make_view(make_columns([]), np.empty(0, dtype=np.bool_)), np.array([time]))
    assert (counts.prefixes[0], counts.n_ended[0], counts.n_rows[0]) == (0, 0, 0)
