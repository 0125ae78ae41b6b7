from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.shard_service import divide_segments

SIZES = st.lists(st.integers(0, 1_000_000), max_size=40)


@given(sizes=SIZES, n_groups=st.integers(1, 8))
def test_every_segment_is_in_one_group_and_groups_differ_by_no_more_than_the_largest(sizes, n_groups):
    groups = divide_segments(sizes, n_groups)
    assert len(groups) == n_groups
    assert sorted(number for group in groups for number in group) == list(range(len(sizes)))
    rows = [sum(sizes[number] for number in group) for group in groups]
    assert max(rows) - min(rows) <= max(sizes, default=0)


@given(sizes=SIZES, more=SIZES, n_groups=st.integers(1, 8))
def test_segments_that_come_later_move_none(sizes, more, n_groups):
    before, after = divide_segments(sizes, n_groups), divide_segments([*sizes, *more], n_groups)
    assert all(new[: len(old)] == old for old, new in zip(before, after, strict=True))


def test_no_group_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        divide_segments([1], 0)
