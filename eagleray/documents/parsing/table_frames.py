"""Parquet files as frames, and back again from a process that is not trusted.

A description is the columns and then the rows of each row group; rows come in Arrow's stream format, one
record batch a frame, and are validated before they are used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from eagleray.documents.formats.parquet import open_parquet
from eagleray.documents.reading import RangeFile, ReadRange


def encode_table(read_range: ReadRange, size: int, request: dict[str, Any]) -> Iterator[bytes]:
    """Yield the frames of a table.

    Args:
        read_range: reads the file.
        size: bytes of it.
        request: the fields of `tables.TableRows`, or nothing for a description.
    """
    opened = open_parquet(RangeFile(read_range, size=size))
    if not request:
        groups = range(opened.metadata.num_row_groups)
        yield opened.schema_arrow.serialize().to_pybytes()
        yield json.dumps([opened.metadata.row_group(group).num_rows for group in groups]).encode()
        return
    columns, first = request["columns"] or None, 0
    for batch in opened.iter_batches(
        batch_size=request["batch_rows"], row_groups=[request["group"]], columns=columns, use_threads=False
    ):
        start, end = max(request["start"] - first, 0), min(request["end"] - first, len(batch))
        if start < end:
            kept = batch.slice(start, end - start)
            yield _encode_batch(kept.select(columns) if columns else kept)
        first += len(batch)
        if first >= request["end"]:
            return


def decode_description(frames: Sequence[bytes]) -> tuple[pa.Schema, tuple[int, ...]]:
    """Return the columns of a file and the rows of each of its groups.

    Raises:
        ValueError: the frames are something else.
    """
    try:
        columns, counts = frames
        schema, group_rows = pa.ipc.read_schema(pa.py_buffer(columns)), tuple(json.loads(counts))
    except (pa.ArrowException, OSError, TypeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__} where a table was expected") from error
    if not all(type(n_rows) is int and n_rows >= 0 for n_rows in group_rows):
        raise ValueError("a row group without a number of rows")
    return schema, group_rows


def decode_batch(frame: bytes, expected: pa.Schema) -> pa.RecordBatch:
    """Return the rows of a frame.

    Raises:
        ValueError: it holds something else than rows of these columns.
    """
    try:
        (batch,) = pa.ipc.open_stream(pa.py_buffer(frame))
        batch.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{type(error).__name__} where rows were expected") from error
    if not batch.schema.equals(expected):
        raise ValueError("rows of other columns")
    return batch


def _encode_batch(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())
