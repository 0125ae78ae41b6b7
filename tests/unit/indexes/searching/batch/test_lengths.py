from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.indexes import TextField
from eagleray.contracts.times import LATEST, OPEN_END
from indexes.searching.batch.columns import Columns
from indexes.searching.batch.views import count_view, make_view
from indexes.searching.batch.words import read_lengths

ROWS = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.one_of(st.integers(0, 25), st.just(OPEN_END)),
        st.booleans(),
        st.integers(0, 9),
        st.integers(0, 3),
    ),
    max_size=40,
)


def open_rows(rows, *, n_first):
    """Two segments that know their lengths alone, and a view of their rows."""
    parts = [rows[:n_first], rows[n_first:]]
    segments = [
        SimpleNamespace(
            postings={
                field: SimpleNamespace(lengths=np.array([row[column] for row in part], dtype=np.int32))
                for field, column in ((TextField.BODY, 3), (TextField.TITLE, 4))
            }
        )
        for part in parts
    ]
    known_from = np.array([row[0] for row in rows], dtype=np.int64)
    chunk_ids = np.arange(len(rows), dtype=np.int64)
    columns = Columns(
        starts=np.cumsum([0, *(len(part) for part in parts)]),
        known_from=known_from,
        known_to=np.array([row[1] for row in rows], dtype=np.int64),
        chunk_ids=chunk_ids,
        documents=chunk_ids,
        order=np.lexsort((chunk_ids, known_from)),
    )
    return segments, make_view(columns, np.array([row[2] for row in rows], dtype=np.bool_))


@pytest.mark.parametrize(("field", "column"), [(TextField.BODY, 3), (TextField.TITLE, 4)])
@given(rows=ROWS, times=st.lists(st.one_of(st.integers(-1, 30), st.just(LATEST)), max_size=8))
def test_totals_are_those_of_looking_at_every_visible_row(field, column, rows, times):
    segments, view = open_rows(rows, n_first=len(rows) // 3)
    lengths = read_lengths(segments, view, field)
    assert lengths.rows.tolist() == [rows[number][column] for number in view.numbers]
    totals = lengths.find_totals(count_view(view, np.array(times, dtype=np.int64)))
    assert totals.tolist() == [
        sum(row[column] for row in rows if row[2] and row[0] <= time < row[1]) for time in times
    ]
