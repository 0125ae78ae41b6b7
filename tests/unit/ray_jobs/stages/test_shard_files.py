from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import IntegrityError
from indexes.storage import open_store
from ray_jobs.stages.shard_files import find_shards, read_parquet, read_shard, write_by_shard, write_parquet

SCHEMA = pa.schema([pa.field("doc_id", pa.string()), pa.field("n", pa.int64())])


def make_table(doc_ids):
    return pa.table({"doc_id": doc_ids, "n": list(range(len(doc_ids)))}, schema=SCHEMA)


@given(doc_ids=st.lists(st.text(max_size=4), max_size=30), n_shards=st.integers(1, 7))
def test_every_row_comes_back_from_its_own_shard_once(doc_ids, n_shards, tmp_path_factory):
    store = open_store(tmp_path_factory.mktemp("store"))
    data, places = write_by_shard(make_table(doc_ids), n_shards=n_shards)
    store.write("file.arrows", data)
    found = []
    for shard, place in places.items():
        rows = read_shard(store, [{"path": "file.arrows", **place}], schema=SCHEMA)
        assert set(find_shards(rows["doc_id"].to_pylist(), n_shards=n_shards)) == {int(shard)}
        found += rows["n"].to_pylist()
    assert sorted(found) == list(range(len(doc_ids)))


def test_no_part_gives_an_empty_table(tmp_path):
    assert read_shard(open_store(tmp_path), [], schema=SCHEMA).num_rows == 0


def test_a_changed_byte_is_found(tmp_path):
    store = open_store(tmp_path)
    data, places = write_by_shard(make_table(["a", "b"]), n_shards=1)
    store.write("file.arrows", data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    with pytest.raises(IntegrityError, match=r"file\.arrows"):
        read_shard(store, [{"path": "file.arrows", **places["0"]}], schema=SCHEMA)


def test_parquet_bytes_are_the_same_for_the_same_table_and_are_checked(tmp_path):
    store = open_store(tmp_path)
    assert write_parquet(make_table(["a"])) == write_parquet(make_table(["a"]))
    store.write("rows.parquet", write_parquet(make_table(["a"])))
    with pytest.raises(IntegrityError):
        read_parquet(store, "rows.parquet", digest="0" * 64)
