from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
from hypothesis import given

from indexes.segments.groups import build_group_bits

GROUPS = st.lists(st.lists(st.sampled_from(["public", "rates", "credit", "é"]), max_size=3), min_size=1)


@given(GROUPS)
def test_each_bitmap_holds_exactly_the_rows_of_its_group(groups):
    names, bits = build_group_bits(pa.array(groups, pa.list_(pa.string())))
    rows = np.unpackbits(bits, axis=1, bitorder="little")
    assert names == ("public", *sorted({name for row in groups for name in row}))
    assert rows[0, : len(groups)].tolist() == [not row for row in groups]
    for name, has_group in zip(names[1:], rows[1:, : len(groups)], strict=True):
        assert has_group.tolist() == [name in row for row in groups]
    assert not rows[:, len(groups) :].any()


def test_a_group_named_public_does_not_make_its_rows_public():
    names, bits = build_group_bits(pa.array([["public"], []], pa.list_(pa.string())))
    assert names == ("public", "public")
    assert bits.tolist() == [[0b10], [0b01]]
