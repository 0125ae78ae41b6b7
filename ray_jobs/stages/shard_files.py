"""Shard files: how rows move from the order of files to the order of documents.

A file is an index and then a run of blocks, one a shard. Entry `i` of the index, at byte 64 * i,
says where the block of shard `i` begins and ends and its digest, and vouches for itself: a later task
reads just its own bytes of every file, and nobody has to know all entries of all files. A block is
one Arrow record batch without its schema, compressed as a whole: blocks are many and small, and a
schema and a compression of each column would be most of their bytes and of their time.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.contracts.ports import Store
from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError

MAX_TABLES: Final = 512
"""Tables that are kept apart: many small ones take far more memory than their values."""

_ENTRY: Final = struct.Struct("<QQ32s")
"""Where a block begins and ends, and its SHA-256; both ends are 0 where a shard has no rows."""

_SEAL_BYTES: Final = 16
_LENGTH: Final = struct.Struct("<Q")
_CODEC: Final = "zstd"
_ENTRY_BYTES: Final = _ENTRY.size + _SEAL_BYTES


def write_parquet(table: pa.Table) -> bytes:
    """Return a table as Parquet bytes; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False)
    return bytes(sink.getvalue())


def read_parquet(store: Store, path: str, *, digest: str) -> pa.Table:
    """Return the table of a Parquet object whose SHA-256 is `digest`.

    Raises:
        IntegrityError: the object's bytes are others.
    """
    data = store.read(path)
    found = digest_bytes(data)
    if found != digest:
        raise IntegrityError(path=path, expected=digest, found=found)
    return pq.read_table(pa.BufferReader(data), use_threads=False)


def find_shards(doc_ids: Iterable[str], *, n_shards: int) -> list[int]:
    """Return each document's shard: a digest of its id, so that all its versions meet."""
    return [int(digest_bytes(doc_id.encode())[:16], 16) % n_shards for doc_id in doc_ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSizes:
    """How many shards there are, and the memory of rows that become one shard file."""

    n_shards: int
    max_file_bytes: int


class ShardWriter:
    """Writes rows by shard as they come, in files of a bounded size.

    Args:
        store: where the files lie.
        locate: number of a file, from 0 -> its path.
        n_shards: shards documents are spread over.
        schema: of the rows, which have a `doc_id`.
        max_bytes: rows are written out when they take more memory than this.
    """

    def __init__(
        self,
        store: Store,
        locate: Callable[[int], str],
        *,
        n_shards: int,
        schema: pa.Schema,
        max_bytes: int,
    ) -> None:
        self._store = store
        self._locate = locate
        self._n_shards = n_shards
        self._schema = schema
        self._max_bytes = max_bytes
        self._tables: list[pa.Table] = []
        self._n_bytes = 0
        self._paths: list[str] = []

    def add(self, rows: pa.Table) -> None:
        """Take rows of the schema, in the order they shall have within their shard."""
        self._tables.append(rows)
        self._n_bytes += rows.nbytes
        if len(self._tables) == MAX_TABLES:
            self._tables = [pa.concat_tables(self._tables).combine_chunks()]
        if self._n_bytes > self._max_bytes:
            self._flush()

    def close(self) -> list[str]:
        """Write what is left and return the paths of the files."""
        if self._tables:
            self._flush()
        return self._paths

    def _flush(self) -> None:
        table = pa.concat_tables([self._schema.empty_table(), *self._tables])
        self._tables, self._n_bytes = [], 0
        shards = np.asarray(find_shards(table["doc_id"].to_pylist(), n_shards=self._n_shards), dtype=np.int64)
        ordered = table.take(np.argsort(shards, kind="stable"))
        counts = np.bincount(shards, minlength=self._n_shards)
        entries: list[bytes] = []
        blocks: list[bytes] = []
        row, offset = 0, self._n_shards * _ENTRY_BYTES
        for shard, count in enumerate(counts.tolist()):
            if not count:
                entries.append(_make_entry(shard, 0, 0, b""))
                continue
            block = encode_block(ordered.slice(row, count))
            entries.append(_make_entry(shard, offset, offset + len(block), block))
            blocks.append(block)
            row, offset = row + count, offset + len(block)
        path = self._locate(len(self._paths))
        self._store.write(path, b"".join([*entries, *blocks]))
        self._paths.append(path)


def read_shard(store: Store, paths: Sequence[str], shard: int, *, schema: pa.Schema) -> pa.Table:
    """Return the rows of one shard from many files.

    Args:
        store: where the files lie.
        paths: of the files that `ShardWriter` wrote.
        shard: its number.
        schema: of the rows; what an empty answer has too.

    Raises:
        IntegrityError: bytes are not what was written.
    """
    tables = [schema.empty_table()]
    for path in paths:
        start, end, digest = _read_entry(store, path, shard)
        if start == end:
            continue
        data = store.read_range(path, start, end)
        found = hashlib.sha256(data).digest()
        if found != digest:
            raise IntegrityError(path=path, expected=f"SHA-256 {digest.hex()}", found=found.hex())
        tables.append(decode_block(data, schema))
    return pa.concat_tables(tables).combine_chunks()


def _make_entry(shard: int, start: int, end: int, block: bytes) -> bytes:
    entry = _ENTRY.pack(start, end, hashlib.sha256(block).digest())
    return entry + _seal(shard, entry)


def _read_entry(store: Store, path: str, shard: int) -> tuple[int, int, bytes]:
    data = store.read_range(path, shard * _ENTRY_BYTES, (shard + 1) * _ENTRY_BYTES)
    entry, seal = data[: _ENTRY.size], data[_ENTRY.size :]
    if seal != _seal(shard, entry):
        raise IntegrityError(path=path, expected=f"the index entry of shard {shard}", found="other bytes")
    start, end, digest = _ENTRY.unpack(entry)
    return start, end, digest


def _seal(shard: int, entry: bytes) -> bytes:
    """Return what only the entry of this shard with these bytes has beside it."""
    return hashlib.sha256(shard.to_bytes(8, "little") + entry).digest()[:_SEAL_BYTES]


def encode_block(rows: pa.Table) -> bytes:
    """Return rows, at least one, as a block: the length of their record batch, and its bytes compressed."""
    (batch,) = rows.combine_chunks().to_batches()
    data = batch.serialize()
    return _LENGTH.pack(len(data)) + bytes(pa.compress(data, codec=_CODEC, asbytes=True))


def decode_block(block: bytes, schema: pa.Schema) -> pa.Table:
    """Return the rows of a block; the schema must be the one they were written with."""
    (length,) = _LENGTH.unpack_from(block)
    data = pa.decompress(memoryview(block)[_LENGTH.size :], decompressed_size=length, codec=_CODEC)
    return pa.Table.from_batches([pa.ipc.read_record_batch(data, schema)])
