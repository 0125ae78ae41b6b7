"""Requests carried out together: rows and a patch on top of an alias's snapshot, then its move.

The same rules and files as those of a job (`arranging`, `indexes.segments.segment_files`), without a cluster:
for few documents at a time, in the process that has the model loaded.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.chunking.config import limit_chunks
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.manifests import AliasEntry, CollectionSpec, SnapshotManifest
from eagleray.contracts.ports import Embedder, FloatMatrix, Store, TokenCounter
from eagleray.contracts.sources import StreamMove
from eagleray.errors import ConflictError, IntegrityError, NotPublishedError
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.segment_files import SegmentSpec, list_texts, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.snapshots.opened import OpenSnapshot
from indexes.snapshots.patches import make_patch, put_patch
from indexes.snapshots.positions import copy_positions
from indexes.snapshots.streams import move_streams
from indexes.writing.arranging import Arranged, arrange_shard
from indexes.writing.assembling import BuildOutcome, assemble_snapshot
from indexes.writing.document_chunker import choose_chunker, make_rows
from indexes.writing.embedding import compute_vectors
from indexes.writing.held_rows import STATE_SCHEMA, find_held_rows
from indexes.writing.requests import WRITE, Write, find_done, finish_write

MAX_TRIES: Final = 50
"""Moves of the alias by others that one commit survives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """A collection that is written to.

    Attributes:
        alias: whose snapshot is built on, and which moves.
        embedder: of the collection's model.
        counter: its tokens.
        open_snapshot: opens a snapshot by its id.
    """

    store: Store
    spec: CollectionSpec
    alias: str
    embedder: Embedder
    counter: TokenCounter
    open_snapshot: Callable[[str], OpenSnapshot]


@dataclass(slots=True, kw_only=True)
class _Prepared:
    """Rows of the requests before they are reconciled, and the vectors found so far."""

    rows: pa.Table
    vectors: dict[tuple[str, ...], FloatMatrix] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What one move of the alias carries out."""

    writes: Sequence[Write]
    moves: tuple[StreamMove, ...]


def commit(target: Writable, writes: Sequence[Write], *, moves: Sequence[StreamMove] = ()) -> dict[str, str]:
    """Carry out requests, each once, and return name -> snapshot that holds what it asked for.

    Where somebody else moves the alias meanwhile, all is decided again on top of their snapshot. A crash
    before the move leaves nothing a reader could see. What changes nothing moves the alias, too: an answer
    that named the old snapshot would tell what stands in documents that its caller may not read.

    Args:
        target: the collection.
        writes: requests that touch no document in common.
        moves: of streams whose records the requests hold: made in the snapshot that has their rows.

    Raises:
        NotPublishedError: the alias points nowhere.
        StreamMovedError: another writer moved a stream since; nothing was written.
        ConflictError: others moved the alias again and again.
        StoreError: the store failed; the same requests may be sent again.
    """
    store, collection = target.store, target.spec.name
    prepared: dict[str, _Prepared] = {}
    for _ in range(MAX_TRIES):
        current = read_alias(Collection(store, collection), target.alias)
        if current is None:
            raise NotPublishedError(name=target.alias, detail=f"{collection} has no such alias to build on")
        begun = [write.begun for write in writes if write.begun.has_key]
        done = find_done(Collection(store, collection), alias=target.alias, current=current, begun=begun)
        todo = [write for write in writes if write.begun.name not in done]
        moved: str | None = current.snapshot
        if todo or (moves and not writes):
            batch = _Batch(writes=todo, moves=tuple(moves))
            moved = _try(target, batch, prepared, current=current)
        if moved is None:
            continue
        done |= {write.begun.name: moved for write in todo}
        for item in begun:
            finish_write(Collection(store, collection), name=item.name, snapshot=done[item.name])
        return done
    raise ConflictError(alias=target.alias, expected="its last snapshot", found="others, again and again")


def _try(
    target: Writable, batch: _Batch, prepared: dict[str, _Prepared], *, current: AliasEntry
) -> str | None:
    """Build on the current snapshot and move the alias; `None` where somebody else moved it first."""
    writes = batch.writes
    key = " ".join(write.begun.name for write in writes)
    if key not in prepared:
        prepared[key] = _Prepared(rows=_make_rows(target, writes))
    opened = target.open_snapshot(current.snapshot)
    move_streams(opened.manifest.watermarks, batch.moves)  # refused before anything is computed
    arranged = _arrange(target, writes, opened, prepared[key].rows)
    _check_ids(opened, arranged.rows)
    manifest = _build(target, arranged, prepared[key], parent=current.snapshot, moves=batch.moves)
    copy_positions(Collection(target.store, target.spec.name), current.snapshot, manifest.snapshot_id)
    move = AliasMove(
        expected=current.snapshot,
        snapshot=manifest.snapshot_id,
        reason=f"{WRITE} {key}",
        now=time.time_ns() // 1000,
    )
    try:
        return move_alias(Collection(target.store, target.spec.name), target.alias, move=move).snapshot
    except ConflictError:
        return None


def _make_rows(target: Writable, writes: Sequence[Write]) -> pa.Table:
    chunker, digest = choose_chunker(target.spec.chunker), target.spec.chunker_digest
    tables = [DELIVERED_SCHEMA.empty_table()]
    for write in writes:
        tables += [
            make_rows(
                document,
                position=write.begun.name,
                counter=target.counter,
                chunker=limit_chunks(chunker, write.lengths.get(document.doc_id)),
                chunker_digest=digest,
            )
            for document in write.documents
        ]
    return pa.concat_tables(tables).combine_chunks()


def _arrange(target: Writable, writes: Sequence[Write], opened: OpenSnapshot, rows: pa.Table) -> Arranged:
    doc_ids = sorted(frozenset[str]().union(*(write.doc_ids for write in writes)))
    removed = frozenset(doc_id for write in writes for doc_id in write.removed)
    held = [find_held_rows(view, doc_ids, due=removed) for view in opened.segments]
    return arrange_shard(
        rows,
        pa.concat_tables([STATE_SCHEMA.empty_table(), *held]).combine_chunks(),
        chunker_digest=target.spec.chunker_digest,
        now=max((write.begun.now for write in writes), default=0),
    )


def _check_ids(opened: OpenSnapshot, rows: pa.Table) -> None:
    """Refuse rows whose ids the snapshot holds already: a patch to one would change both."""
    ids = rows["chunk_id"].to_numpy()
    for view in opened.segments:
        n_held = int(np.count_nonzero(np.isin(view.chunk_ids, ids)))
        if n_held:
            raise IntegrityError(
                path=view.digest, expected="none of the new chunk ids", found=f"{n_held} of them"
            )


def _build(
    target: Writable,
    arranged: Arranged,
    prepared: _Prepared,
    *,
    parent: str,
    moves: tuple[StreamMove, ...],
) -> SnapshotManifest:
    """Write segments, patch and snapshot; none of it is visible yet."""
    store, collection, rows = target.store, target.spec.name, arranged.rows
    types: AttributeTypes = {}
    vectors = _find_vectors(prepared, rows, target.embedder)
    segments = []
    for zone in sorted(rows["zone"].unique().to_pylist()):
        is_mine = pc.equal(rows["zone"], zone)
        with tempfile.TemporaryDirectory(prefix="eagleray-write-") as scratch:
            folder = Path(scratch) / "segment"
            written = write_segment(
                rows.filter(is_mine),
                np.ascontiguousarray(vectors[is_mine.to_numpy()]),
                spec=SegmentSpec(zone=zone, embedder=target.embedder.identity),
                folder=folder,
            )
            types = merge_attribute_types(types, written.attributes)
            segments.append(publish_segment(Collection(store, collection), folder))
    changes = arranged.patch
    outcome = BuildOutcome(
        segments=tuple(segments),
        n_rows=rows.num_rows,
        patch=put_patch(Collection(store, collection), make_patch(changes)) if changes.num_rows else None,
        open_change=arranged.counts.get("open_change", 0),
        attributes=types,
        moves=moves,
    )
    return assemble_snapshot(store, target.spec, parent=parent, outcome=outcome)


def _find_vectors(prepared: _Prepared, rows: pa.Table, embedder: Embedder) -> FloatMatrix:
    """Return the vectors of rows; those of another try where the texts are the same."""
    if not rows.num_rows:
        return np.empty((0, embedder.identity.dim), dtype=np.float32)
    texts = tuple(list_texts(rows))
    if texts not in prepared.vectors:
        prepared.vectors[texts] = compute_vectors(rows, embedder)
    return prepared.vectors[texts]
