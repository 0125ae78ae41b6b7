from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import IntegrityError
from indexes.storage import open_store
from ray_jobs.stages.shard_files import ShardWriter, find_shards, read_parquet, read_shard, write_parquet

SCHEMA = pa.schema([pa.field("doc_id", pa.string()), pa.field("n", pa.int64())])


def make_table(doc_ids):
    return pa.table({"doc_id": doc_ids, "n": list(range(len(doc_ids)))}, schema=SCHEMA)


def write(store, table, *, n_shards, max_bytes=1 << 20, step=5):
    """Write a table as it would come, a few rows at a time, and return the paths of its files."""
    writer = ShardWriter(store, "{}.shards".format, n_shards=n_shards, schema=SCHEMA, max_bytes=max_bytes)
    for start in range(0, table.num_rows, step):
        writer.add(table.slice(start, step))
    return writer.close()


@given(
    doc_ids=st.lists(st.text(max_size=4), max_size=30),
    n_shards=st.integers(1, 7),
    max_bytes=st.integers(0, 400),
)
def test_every_row_comes_back_from_its_own_shard_once_and_in_order(
    doc_ids, n_shards, max_bytes, tmp_path_factory
):
    store = open_store(tmp_path_factory.mktemp("store"))
    paths = write(store, make_table(doc_ids), n_shards=n_shards, max_bytes=max_bytes)
    found = []
    for shard in range(n_shards):
        rows = read_shard(store, paths, shard, schema=SCHEMA)
        assert set(find_shards(rows["doc_id"].to_pylist(), n_shards=n_shards)) <= {shard}
        assert rows["n"].to_pylist() == sorted(rows["n"].to_pylist())
        found += rows["n"].to_pylist()
    assert sorted(found) == list(range(len(doc_ids)))


def test_rows_beyond_the_bound_go_to_another_file(tmp_path):
    store = open_store(tmp_path)
    paths = write(store, make_table(["a"] * 40), n_shards=1, max_bytes=100)
    assert paths == [f"{number}.shards" for number in range(len(paths))]
    assert 2 < len(paths) < 10


def test_no_file_gives_an_empty_table(tmp_path):
    assert read_shard(open_store(tmp_path), [], 3, schema=SCHEMA).num_rows == 0


def test_any_changed_byte_is_found_by_the_shard_it_belongs_to(tmp_path):
    store = open_store(tmp_path)
    (path,) = write(store, make_table(["a", "b", "c"]), n_shards=3)
    expected = [read_shard(store, [path], shard, schema=SCHEMA) for shard in range(3)]
    data = store.read(path)
    for place in range(len(data)):
        store.write(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        n_found = 0
        for shard in range(3):
            try:
                assert read_shard(store, [path], shard, schema=SCHEMA) == expected[shard]
            except IntegrityError as error:
                assert path in str(error)
                n_found += 1
        assert n_found == 1, place


def test_a_file_cut_short_is_found(tmp_path):
    store = open_store(tmp_path)
    (path,) = write(store, make_table(["a"]), n_shards=2)
    data = store.read(path)
    for length in (0, 40, 100, len(data) - 1):
        store.write(path, data[:length])
        with pytest.raises(IntegrityError):
            [read_shard(store, [path], shard, schema=SCHEMA) for shard in range(2)]


def test_parquet_bytes_are_the_same_for_the_same_table_and_are_checked(tmp_path):
    store = open_store(tmp_path)
    assert write_parquet(make_table(["a"])) == write_parquet(make_table(["a"]))
    store.write("rows.parquet", write_parquet(make_table(["a"])))
    with pytest.raises(IntegrityError):
        read_parquet(store, "rows.parquet", digest="0" * 64)
