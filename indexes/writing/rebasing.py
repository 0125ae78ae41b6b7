"""A snapshot put on top of others' writes that were published while it was made.

What a job made of its parent holds for any later snapshot too, as long as what came between only added
segments and patches, and touched no document that the job touched: reconciliation goes document by document.
A compaction touches none, for its rows are those of its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Store
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.opening import open_segment
from indexes.segments.view import SegmentView
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from indexes.snapshots.patches import read_patch

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added:
    """What a snapshot has that its ancestor lacks."""

    segments: tuple[str, ...]
    patches: tuple[str, ...]


def rebase_snapshot(
    store: Store, made: SnapshotManifest, *, onto: str, cache: Path | None = None
) -> SnapshotManifest | None:
    """Write the snapshot that `made` comes to on top of a later one than its parent.

    Args:
        store: where the collection lies.
        made: of a job; it has a parent.
        onto: id of the snapshot that was published meanwhile.
        cache: folder for copies of remote segments; `None` keeps none.

    Returns:
        The new snapshot's manifest, or `None` where both touched a document, or `onto` is no later
        state of the parent's segments and patches: the job has to be done again.

    Raises:
        NotPublishedError: there is no such snapshot, or its parent is gone.
        IntegrityError: something it needs is missing or damaged.
    """
    collection = made.collection.name
    before = load_snapshot(store, collection, str(made.parent))
    after = load_snapshot(store, collection, onto)
    theirs = _find_added(before, after)
    if theirs is None or after.collection != made.collection:
        return None
    joined = replace(
        made,
        segments=made.segments + theirs.segments,
        patches=made.patches + theirs.patches,
        parent=onto,
        n_rows=made.n_rows + after.n_rows - before.n_rows,
        n_documents=made.n_documents + after.n_documents - before.n_documents,
        attributes=merge_attribute_types(after.attributes, made.attributes),
        watermarks=after.watermarks,
        ranking=after.ranking if made.ranking == before.ranking else made.ranking,
    )
    holds_other_rows = (made.n_rows, made.patches) != (before.n_rows, before.patches)
    if holds_other_rows:
        ours = _find_added(before, made)
        if ours is None or _share_documents(store, joined, ours, theirs, cache=cache):
            return None
    put_snapshot(store, joined)
    return joined


def _find_added(before: SnapshotManifest, after: SnapshotManifest) -> _Added | None:
    segments = _cut_prefix(before.segments, after.segments)
    patches = _cut_prefix(before.patches, after.patches)
    return None if segments is None or patches is None else _Added(segments=segments, patches=patches)


def _cut_prefix(first: tuple[Item, ...], second: tuple[Item, ...]) -> tuple[Item, ...] | None:
    return second[len(first) :] if second[: len(first)] == first else None


def _share_documents(
    store: Store, joined: SnapshotManifest, ours: _Added, theirs: _Added, *, cache: Path | None
) -> bool:
    """Return whether both touched a document: wrote a version of it, or changed a row of it."""
    collection = joined.collection.name
    views = [open_segment(store, collection, digest, cache=cache) for digest in joined.segments]
    mine, others = (_find_documents(store, collection, views, added) for added in (ours, theirs))
    return bool(np.isin(mine, others).any())


def _find_documents(
    store: Store, collection: str, views: Sequence[SegmentView], added: _Added
) -> npt.NDArray[np.int64]:
    """Return the numbers of the documents that segments and patches touch; int64 [n]."""
    changes = [read_patch(store, collection, digest).changes for digest in added.patches]
    patched = np.concatenate([np.empty(0, np.int64), *(table["chunk_id"].to_numpy() for table in changes)])
    found = [np.empty(0, np.int64)]
    for view in views:
        is_new = view.digest in added.segments
        found.append(view.documents if is_new else view.documents[np.isin(view.chunk_ids, patched)])
    return np.unique(np.concatenate(found))
