"""Publishing what a job made: the gate, and the move of the alias, also where writes overtook the job."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import AliasEntry, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.errors import ConflictError
from eagleray.logs import get_logger
from indexes.gating import SnapshotGate
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.snapshots.catalog import put_snapshot
from indexes.snapshots.positions import copy_positions
from indexes.writing.rebasing import Rebase

MAX_TRIES: Final = 50
"""Moves of the alias by others that one publication survives."""

KeepNotes = Callable[[str | None, str], None]
"""Keeps what goes with a snapshot before it is published: takes what it is built on, and its id."""

_log = get_logger()


def publish_made(
    gate: SnapshotGate,
    store: Store,
    *,
    made: SnapshotManifest,
    alias: str,
    reason: str,
    keep_notes: KeepNotes,
) -> AliasEntry:
    """Run the gate on a job's snapshot, and move the alias from its parent to it.

    Where others moved the alias meanwhile and touched no document that the job touched, the snapshot is put
    on top of theirs: its own part has passed the gate, and theirs what a write is held to. So it is where two
    first runs of a collection meet.

    Args:
        gate: that the job's snapshot has to pass.
        store: where the collection lies.
        made: of the job.
        alias: the name that moves.
        reason: goes into the log of moves.
        keep_notes: called before each try to move the alias; may refuse with a `ConflictError`.

    Returns:
        The alias's entry, which names the snapshot that is published.

    Raises:
        GateError: it did not pass; the alias stays.
        ConflictError: others moved the alias, and the job has to be done again.
    """
    keep_notes(made.parent, made.snapshot_id)
    try:
        return gate.publish(store, made, alias=alias, expected=made.parent, reason=reason)
    except ConflictError as error:
        overtaken = error
    rebase = Rebase(store, made, cache=gate.cache)
    for _ in range(MAX_TRIES):
        current = read_alias(Collection(store, made.collection.name), alias)
        if current is None:
            raise overtaken
        joined = rebase.put_onto(current.snapshot)
        if joined is None:
            raise overtaken
        keep_notes(joined.parent, joined.snapshot_id)
        try:
            return _move(store, joined, alias=alias, reason=reason)
        except ConflictError as error:
            overtaken = error
    raise overtaken


def _move(store: Store, joined: SnapshotManifest, *, alias: str, reason: str) -> AliasEntry:
    collection, now = joined.collection.name, time.time_ns() // 1000
    move = AliasMove(expected=joined.parent, snapshot=joined.snapshot_id, reason=reason, now=now)
    entry = move_alias(Collection(store, collection), alias, move=move)
    _log.info("put_on_top", collection=collection, alias=alias, onto=joined.parent)
    return entry


def publish_fitted(
    gate: SnapshotGate, store: Store, manifest: SnapshotManifest, *, alias: str, reason: str
) -> dict[str, Any]:
    """Publish a snapshot that differs from its parent in what was fitted, and return where it stands.

    Args:
        gate: that it must pass.
        store: of the collection.
        manifest: of the snapshot.
        alias: that moves to it from its parent.
        reason: of the move.

    Raises:
        ConflictError: somebody else published meanwhile.
        GateError: the snapshot did not pass; it stays unpublished.
    """
    before, made = str(manifest.parent), put_snapshot(store, manifest)
    copy_positions(Collection(store, manifest.collection.name), before, made)
    moved = gate.publish(store, manifest, alias=alias, expected=before, reason=reason)
    return {"snapshot": made, "published": moved.sequence}
