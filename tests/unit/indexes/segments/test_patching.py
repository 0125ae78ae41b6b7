from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
from hypothesis import given

from eagleray.contracts.times import OPEN_END
from indexes.segments.groups import build_group_bits
from indexes.segments.patching import PATCH_SCHEMA, RowState, apply_patches

NAMES = st.lists(st.sampled_from(["public", "rates", "credit", "desk"]), max_size=2)
CHANGE = st.fixed_dictionaries(
    {"known_to": st.none() | st.integers(-50, 50), "groups": st.none() | NAMES.map(sorted)}
)
PATCH = st.dictionaries(st.integers(0, 19), CHANGE, min_size=1)
GROUPS = st.lists(NAMES, min_size=1, max_size=20)


def make_state(groups):
    names, bits = build_group_bits(pa.array(groups, pa.list_(pa.string())))
    known_to = np.full(len(groups), OPEN_END, dtype=np.int64)
    known_to.flags.writeable = bits.flags.writeable = False
    return RowState(known_to=known_to, group_names=names, group_bits=bits)


def make_table(patch):
    rows = [{"chunk_id": chunk_id, **change} for chunk_id, change in sorted(patch.items())]
    return pa.Table.from_pylist(rows, schema=PATCH_SCHEMA)


def read_groups(state, n_rows):
    bits = np.unpackbits(state.group_bits, axis=1, bitorder="little", count=n_rows)
    named = [
        {name for name, has in zip(state.group_names[1:], bits[1:, row], strict=True) if has}
        for row in range(n_rows)
    ]
    assert bits[0].tolist() == [not names for names in named]
    return named


@given(GROUPS, st.lists(PATCH, max_size=4), st.randoms())
def test_patches_equal_a_plain_loop_over_the_rows(groups, patches, random):
    chunk_ids = list(range(len(groups)))
    random.shuffle(chunk_ids)
    expected = {row: [OPEN_END, set(names)] for row, names in zip(chunk_ids, groups, strict=True)}
    for patch in patches:
        for chunk_id, change in patch.items():
            if chunk_id in expected and change["known_to"] is not None:
                expected[chunk_id][0] = min(expected[chunk_id][0], change["known_to"])
            if chunk_id in expected and change["groups"] is not None:
                expected[chunk_id][1] = set(change["groups"])
    own = make_state(groups)
    ids = np.array(chunk_ids, dtype=np.int64)
    state = apply_patches(own, [make_table(patch) for patch in patches], chunk_ids=ids)
    assert state.known_to.tolist() == [expected[row][0] for row in chunk_ids]
    assert read_groups(state, len(groups)) == [expected[row][1] for row in chunk_ids]
    assert read_groups(own, len(groups)) == [set(names) for names in groups]


def test_a_closed_row_is_never_reopened_nor_closed_later():
    state = make_state([["rates"]])
    ids = np.array([4], dtype=np.int64)
    for end, expected in ((30, 30), (40, 30), (OPEN_END, 30), (20, 20)):
        state = apply_patches(state, [make_table({4: {"known_to": end, "groups": None}})], chunk_ids=ids)
        assert state.known_to.tolist() == [expected]


def test_a_patch_of_other_rows_hands_the_arrays_through():
    state = make_state([["rates"], []])
    ids = np.array([4, 5], dtype=np.int64)
    assert apply_patches(state, [make_table({9: {"known_to": 1, "groups": []}})], chunk_ids=ids) is state
