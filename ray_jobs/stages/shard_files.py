"""Shard files: how rows move from the order of files to the order of documents.

A file is a run of Arrow streams, one a shard; a marker says where each begins and ends and its
digest, so a later task reads just its own bytes of every file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.contracts.ports import Store
from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError

MAX_TABLES: Final = 512
"""Tables that are kept apart: many small ones take far more memory than their values."""

Places = dict[str, list[dict[str, Any]]]
"""Shard -> `path`, `start`, `end` and `sha256` of each of its streams."""


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
        self._n_bytes = self._n_files = 0
        self._places: Places = {}

    def add(self, rows: pa.Table) -> None:
        """Take rows of the schema, in the order they shall have within their shard."""
        self._tables.append(rows)
        self._n_bytes += rows.nbytes
        if len(self._tables) == MAX_TABLES:
            self._tables = [pa.concat_tables(self._tables).combine_chunks()]
        if self._n_bytes > self._max_bytes:
            self._flush()

    def close(self) -> Places:
        """Write what is left and return where each shard's rows lie."""
        if self._tables:
            self._flush()
        return self._places

    def _flush(self) -> None:
        table = pa.concat_tables([self._schema.empty_table(), *self._tables])
        self._tables, self._n_bytes = [], 0
        shards = np.asarray(find_shards(table["doc_id"].to_pylist(), n_shards=self._n_shards), dtype=np.int64)
        ordered = table.take(np.argsort(shards, kind="stable"))
        present, counts = np.unique(shards, return_counts=True)
        path = self._locate(self._n_files)
        pieces: list[bytes] = []
        row = offset = 0
        for shard, count in zip(present.tolist(), counts.tolist(), strict=True):
            piece = _write_stream(ordered.slice(row, count).combine_chunks())
            place = {
                "path": path,
                "start": offset,
                "end": offset + len(piece),
                "sha256": digest_bytes(piece),
            }
            self._places.setdefault(str(shard), []).append(place)
            pieces.append(piece)
            row, offset = row + count, offset + len(piece)
        self._store.write(path, b"".join(pieces))
        self._n_files += 1


def read_shard(store: Store, parts: Sequence[dict[str, Any]], *, schema: pa.Schema) -> pa.Table:
    """Return the rows of one shard from many files.

    Args:
        store: where the files lie.
        parts: `path`, `start`, `end` and `sha256` of each stream.
        schema: of the streams; what an empty answer has too.

    Raises:
        IntegrityError: bytes are not what a marker says.
    """
    tables = [schema.empty_table()]
    for part in parts:
        data = store.read_range(part["path"], part["start"], part["end"])
        found = digest_bytes(data)
        if found != part["sha256"]:
            raise IntegrityError(path=part["path"], expected=part["sha256"], found=found)
        tables.append(pa.ipc.open_stream(data).read_all().cast(schema))
    return pa.concat_tables(tables).combine_chunks()


def _write_stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
