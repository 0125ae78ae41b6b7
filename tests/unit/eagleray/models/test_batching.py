from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eagleray.models.batching import cut_batches


@given(lengths=st.lists(st.integers(1, 300), max_size=60), budget=st.integers(256, 2048))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    batches = list(cut_batches(lengths, budget))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= budget
