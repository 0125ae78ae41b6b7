from __future__ import annotations

import io
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.hostile_files import make_parquet
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.parsing.table_frames import decode_batch, decode_description
from eagleray.documents.parsing.tables import TableError, TableFile, TableReader, TableRows
from eagleray.errors import StoreError

ROWS = pa.table(
    {
        "text": [f"bond {number}" for number in range(10)],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(20, dtype=np.float32)), 2),
        "groups": pa.array([["a"], [], None, ["b", "c"], *[["d"]] * 6]),
        "kind": pa.array(["x", "y"] * 5).dictionary_encode(),
        "at": pa.array(range(10), pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def tables():
    pool = ParserPool(ParseLimits(memory_bytes=64 << 20, timeout_s=5.0, max_records=2_000))
    yield TableReader(pool)
    pool.close()


def write(table, **more):
    sink = io.BytesIO()
    pq.write_table(table, sink, **more)
    return sink.getvalue()


def locate(data):
    return TableFile(path="a.parquet", size=len(data), read_range=lambda start, end: data[start:end])


def read(tables, data, **asked):
    schema, group_rows = tables.describe(locate(data))
    wanted = {"group": 0, "start": 0, "end": group_rows[0], "columns": (), "batch_rows": 3, **asked}
    return list(tables.read(locate(data), TableRows(**wanted), schema))


def test_a_process_finds_the_rows_that_arrow_finds(tables):
    data = write(ROWS, row_group_size=6)
    schema, group_rows = tables.describe(locate(data))
    assert (schema, group_rows) == (pq.read_schema(pa.BufferReader(data)), (6, 4))
    found = [batch for group in (0, 1) for batch in read(tables, data, group=group)]
    assert [len(batch) for batch in found] == [3, 3, 3, 1]
    assert pa.Table.from_batches(found) == pq.read_table(pa.BufferReader(data))


def test_rows_within_a_group_come_with_the_columns_that_are_asked_for(tables):
    found = read(tables, write(ROWS), start=2, end=8, columns=("at", "text"))
    assert pa.Table.from_batches(found) == ROWS.select(["at", "text"]).slice(2, 6)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no such thing", write(ROWS)[:-9]])
def test_what_is_no_parquet_file_names_the_class_of_the_fault_alone(tables, data):
    with pytest.raises(TableError, match=r"^its parser failed \(\w+\)$"):
        tables.describe(locate(data))


def test_what_unpacks_to_too_much_is_refused_and_the_next_file_is_read(tables):
    with pytest.raises(TableError, match="more memory than allowed"):
        read(tables, make_parquet(900, 1 << 20), batch_rows=900)
    assert len(read(tables, write(ROWS))) == 4


def test_a_row_of_endless_lists_is_refused(tables):
    lists = pa.ListArray.from_arrays([0, 30_000_000], pa.array(np.zeros(30_000_000, dtype=np.int64)))
    data = write(pa.table({"groups": lists}), compression="zstd")
    assert len(data) < 100_000
    with pytest.raises(TableError, match="more memory than allowed"):
        read(tables, data)


def test_more_rows_than_the_bytes_of_a_file_may_have_are_refused(tables):
    data = write(pa.table({"n": pa.array([7] * 2_001)}))
    with pytest.raises(TableError, match="2001 rows, more than 2000 for each 8 MiB"):
        tables.describe(locate(data))


def test_a_row_group_may_be_larger_than_the_memory_that_reading_takes(tables):
    blob = os.urandom(75 << 20).hex()
    texts = [blob[start : start + 100_000] for start in range(0, len(blob), 100_000)]
    data = write(pa.table({"text": texts}), use_dictionary=False, write_batch_size=8)
    assert len(data) > 2 * (64 << 20)
    found = read(tables, data, batch_rows=10)
    assert [text for batch in found for text in batch["text"].to_pylist()] == texts


def test_a_store_that_fails_is_told_as_it_fails(tables):
    def fail(start, end):
        raise StoreError(path="a.parquet", detail="the disk is gone")

    with pytest.raises(StoreError, match="the disk is gone"):
        tables.describe(TableFile(path="a.parquet", size=100, read_range=fail))


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"x", b"[1]"],
        [ROWS.schema.serialize().to_pybytes()],
        *([ROWS.schema.serialize().to_pybytes(), rows] for rows in (b"", b"[-1]", b"[1.5]", b"[true]", b"7")),
    ],
)
def test_a_description_that_is_none_is_a_fault_of_the_process(frames):
    with pytest.raises(ValueError):
        decode_description(frames)


def encode(*batches):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def make_invalid():
    """Return a batch whose text is no UTF-8."""
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    return pa.record_batch({"text": text})


def test_rows_that_are_none_are_a_fault_of_the_process():
    good = pa.record_batch({"text": ["a"]})
    assert decode_batch(encode(good), good.schema) == good
    other = pa.record_batch({"text": [1]})
    for frame in (
        b"",
        b"x" * 99,
        encode(good)[:-40],
        encode(good, good),
        encode(other),
        encode(make_invalid()),
    ):
        with pytest.raises(ValueError):
            decode_batch(frame, good.schema)
