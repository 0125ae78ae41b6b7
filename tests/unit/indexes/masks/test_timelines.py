from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.times import OPEN_END
from indexes.masks.timelines import Timeline
from indexes.selections import select_mask


@given(
    spans=st.lists(st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(1, 12))), max_size=60),
    as_of=st.one_of(st.none(), st.integers(-2, 40)),
    data=st.data(),
)
def test_a_timeline_selects_what_was_known_and_a_restriction_only_takes_away(spans, as_of, data):
    spans = sorted(spans, key=lambda span: span[0])
    known_from = np.array([begin for begin, _ in spans], dtype=np.int64)
    known_to = np.array(
        [OPEN_END if length is None else begin + length for begin, length in spans], dtype=np.int64
    )
    selection = Timeline(known_from, known_to).select(as_of)
    expected = known_to == OPEN_END if as_of is None else (known_from <= as_of) & (as_of < known_to)
    rows = np.arange(len(spans))
    assert selection.has(rows).tolist() == expected.tolist()
    assert selection.n_selected == expected.sum()

    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans))), dtype=bool)
    restricted = selection.restrict(np.packbits(kept, bitorder="little"))
    assert restricted.has(rows).tolist() == (expected & kept).tolist()
    assert restricted.n_selected == (expected & kept).sum()
    again = select_mask(expected & kept)
    assert [row for block in again.iterate_rows(16) for row in block.tolist()] == np.flatnonzero(
        expected & kept
    ).tolist()
