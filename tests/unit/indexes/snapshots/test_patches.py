from __future__ import annotations

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from eagleray.contracts.collections import Collection
from eagleray.errors import InputError, IntegrityError
from indexes.segments.patching import PATCH_SCHEMA
from indexes.snapshots.patches import make_patch, put_patch, read_patch
from indexes.storage.local import LocalStore

INT64 = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "chunk_id": st.integers(0, 2**63 - 1),
            "known_to": st.none() | INT64,
            "groups": st.none() | st.lists(st.text(max_size=3), max_size=3),
        }
    ).filter(lambda row: row["known_to"] is not None or row["groups"] is not None),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row["chunk_id"],
)


def make_table(rows):
    return pa.Table.from_pylist(rows, schema=PATCH_SCHEMA)


@given(rows=ROWS, random=st.randoms())
def test_changes_in_any_order_give_the_same_bytes_and_come_back(rows, random, tmp_path_factory):
    patch = make_patch(make_table(rows))
    random.shuffle(rows)
    assert make_patch(make_table(rows)).data == patch.data
    store = LocalStore(tmp_path_factory.mktemp("store"))
    assert (
        put_patch(Collection(store, "notes"), patch)
        == put_patch(Collection(store, "notes"), patch)
        == patch.digest
    )
    found = read_patch(Collection(store, "notes"), patch.digest).changes.to_pylist()
    for row in rows:
        if row["groups"] is not None:
            row["groups"] = sorted(set(row["groups"]))
    assert found == sorted(rows, key=lambda row: row["chunk_id"])


ONE = {"chunk_id": 4, "known_to": 5, "groups": None}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (make_table([]), "at least one"),
        (make_table([ONE, ONE]), "once"),
        (make_table([ONE | {"known_to": None}]), "changes nothing of chunk 4"),
        (pa.table({"chunk_id": [1]}), "patch schema"),
    ],
)
def test_what_is_no_patch_is_refused(table, message):
    with pytest.raises(InputError, match=message):
        make_patch(table)


def test_a_patch_that_is_damaged_or_gone_is_an_integrity_error(tmp_path):
    store, patch = LocalStore(tmp_path), make_patch(make_table([ONE]))
    with pytest.raises(IntegrityError, match="no such object"):
        read_patch(Collection(store, "notes"), patch.digest)
    store.write(f"notes/patches/{patch.digest}.arrow", patch.data[:-1])
    with pytest.raises(IntegrityError, match=patch.digest):
        read_patch(Collection(store, "notes"), patch.digest)
    with pytest.raises(IntegrityError, match="other bytes"):
        put_patch(Collection(store, "notes"), patch)


def test_the_bytes_of_a_patch_are_fixed_by_the_format():
    first = make_patch(make_table([ONE, {"chunk_id": 2, "known_to": None, "groups": []}]))
    assert first.changes["chunk_id"].to_pylist() == [2, 4]
    assert first.data[:6] == b"ARROW1"
