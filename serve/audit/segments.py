"""Segments: records as Parquet files, whole or by columns.

Readers take a file as it may have been tampered with: whatever is no segment is a `SegmentError`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.contracts.ports import Store
from serve.audit.record import Record, flatten, unflatten

_HIT: Final = pa.struct(
    [
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("reranked", pa.float64()),
    ]
)

SCHEMA: Final = pa.schema(
    [
        pa.field("version", pa.int64(), nullable=False),
        pa.field("writer", pa.string(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("time", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("groups", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
        pa.field("zones", pa.list_(pa.field("element", pa.string(), nullable=False))),
        pa.field("action", pa.string(), nullable=False),
        pa.field("body", pa.string(), nullable=False),
        pa.field("question", pa.string(), nullable=False),
        pa.field("snapshot", pa.string(), nullable=False),
        pa.field("plan", pa.string(), nullable=False),
        pa.field("hits", pa.list_(pa.field("element", _HIT, nullable=False)), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("latency_us", pa.int64(), nullable=False),
        pa.field("previous", pa.string(), nullable=False),
        pa.field("hash", pa.string(), nullable=False),
    ]
)


_SMALL: Final = {
    "compression": "zstd",
    "use_dictionary": False,
    "write_statistics": False,
    "store_schema": False,
}
"""Most segments hold few records; what Parquet itself takes is a third with these."""


class SegmentError(ValueError):
    """Bytes that are no segment; says why."""


def encode_segment(records: Sequence[Record]) -> bytes:
    """Return the bytes of a segment."""
    table = pa.Table.from_pylist([flatten(record) for record in records], schema=SCHEMA)
    return encode_table(table)


def encode_table(table: pa.Table) -> bytes:
    """Return the bytes of a table of records."""
    target = io.BytesIO()
    pq.write_table(table, target, write_page_checksum=True, **_SMALL)
    return target.getvalue()


def decode_segment(data: bytes) -> list[Record]:
    """Return the records of a segment's bytes; their hashes are not checked.

    Raises:
        SegmentError: the bytes are no segment.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            table = _check(file).read(use_threads=False)
        return list_records(table)
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError) as error:
        raise SegmentError(str(error) or type(error).__name__) from error


def open_segment(store: Store, path: str) -> pq.ParquetFile:
    """Return the file of a segment, to be read by columns and closed.

    Raises:
        SegmentError: it is no segment.
        StoreError: the store failed.
    """
    local = store.find_local(path)
    try:
        return _check(pq.ParquetFile(local if local is not None else pa.BufferReader(store.read(path))))
    except (pa.ArrowException, OSError) as error:
        raise SegmentError(str(error)) from error


def list_records(table: pa.Table) -> list[Record]:
    """Return the records of a table with all columns.

    Raises:
        SegmentError: a value is none that a record has.
    """
    try:
        return [unflatten(fields) for fields in table.to_pylist()]
    except (ValueError, TypeError) as error:
        raise SegmentError(str(error)) from error


def _check(file: pq.ParquetFile) -> pq.ParquetFile:
    if not file.schema_arrow.equals(SCHEMA):
        raise SegmentError("its columns are not those of the audit log")
    return file
