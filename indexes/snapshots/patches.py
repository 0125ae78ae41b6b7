"""Patch files: changes to rows of older segments, named by the SHA-256 of their bytes.

What a patch does to a segment, and which of two patches wins, is in `indexes.segments.patching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.collections import Collection
from eagleray.digests import digest_bytes
from eagleray.errors import InputError, IntegrityError, ObjectNotFoundError
from indexes.segments.patching import PATCH_SCHEMA
from indexes.snapshots.layout import name_patch

_WRITE_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A patch file in memory.

    Attributes:
        digest: SHA-256 of `data`, the patch's name.
        data: the bytes of the file.
        changes: table of `PATCH_SCHEMA`, chunk_id ascending and unique.
    """

    digest: str
    data: bytes
    changes: pa.Table


def make_patch(changes: pa.Table) -> Patch:
    """Return the patch that holds `changes`; the same changes in any order give the same bytes.

    Args:
        changes: columns of `PATCH_SCHEMA` in any order of rows; null leaves a part as it is, an
            empty list of groups makes the row readable by everyone in its zone.

    Raises:
        InputError: there are no changes, columns differ, a chunk_id comes twice, or a row changes
            nothing.
    """
    try:
        rows = changes.select(PATCH_SCHEMA.names).cast(PATCH_SCHEMA).to_pylist()
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise InputError(detail=f"a patch must follow the patch schema: {error}") from error
    if not rows:
        raise InputError(detail="a patch needs at least one change")
    rows.sort(key=lambda row: row["chunk_id"])
    if len({row["chunk_id"] for row in rows}) != len(rows):
        raise InputError(detail="a patch names each chunk_id once; merge its changes first")
    for row in rows:
        if row["known_to"] is None and row["groups"] is None:
            raise InputError(detail=f"the patch changes nothing of chunk {row['chunk_id']}")
        if row["groups"] is not None:
            row["groups"] = sorted(set(row["groups"]))
    table = pa.Table.from_pylist(rows, schema=PATCH_SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, PATCH_SCHEMA, options=_WRITE_OPTIONS) as file:
        file.write_table(table, max_chunksize=table.num_rows)
    data = sink.getvalue().to_pybytes()
    return Patch(digest=digest_bytes(data), data=data, changes=table)


def put_patch(collection: Collection, patch: Patch) -> str:
    """Write a patch file unless it stands, and return its digest."""
    path = f"{collection.name}/{name_patch(patch.digest)}"
    if not collection.store.create(path, patch.data) and collection.store.read(path) != patch.data:
        raise IntegrityError(path=path, expected=f"SHA-256 {patch.digest}", found="other bytes")
    return patch.digest


def read_patch(collection: Collection, digest: str) -> Patch:
    """Return the patch named `digest`.

    Raises:
        IntegrityError: the file is missing, has other bytes, or is no sound patch.
    """
    path = f"{collection.name}/{name_patch(digest)}"
    try:
        data = collection.store.read(path)
    except ObjectNotFoundError as error:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found="no such object") from error
    found = digest_bytes(data)
    if found != digest:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found=found)
    try:
        changes = pa.ipc.open_file(pa.py_buffer(data)).read_all().combine_chunks()
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(path=path, expected="an Arrow IPC file", found=str(error)) from error
    if not changes.schema.equals(PATCH_SCHEMA):
        raise IntegrityError(path=path, expected="the patch schema", found=str(changes.schema.names))
    ids = changes["chunk_id"].to_numpy()
    if not len(ids) or np.any(np.diff(ids) <= 0):
        raise IntegrityError(path=path, expected="ascending chunk_ids, at least one", found="other rows")
    return Patch(digest=digest, data=data, changes=changes)
