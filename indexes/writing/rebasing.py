"""A snapshot put on top of others' writes that were published while it was made.

What a job made of its parent holds for any later snapshot too, as long as what came between only added
segments and patches, and touched no document that the job touched: reconciliation goes document by document.
A compaction touches none, for its rows are those of its parent; a relabelling, those whose groups it changes:
patches of others name the rows that it relabels as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Store
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.opened_segment import open_segment
from indexes.segments.view import SegmentView
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from indexes.snapshots.patches import read_patch
from indexes.snapshots.streams import rebase_streams
from indexes.writing.assembling import find_types

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added:
    """What a snapshot has that its ancestor lacks."""

    segments: tuple[str, ...]
    patches: tuple[str, ...]


class Rebase:
    """Puts a job's snapshot on top of later ones than its parent; keeps what it opened for the next try."""

    def __init__(self, store: Store, made: SnapshotManifest, *, cache: Path | None = None) -> None:
        """Take what was made.

        Args:
            store: where the collection lies.
            made: of a job; one without a parent is built on nothing.
            cache: folder for copies of remote segments; `None` keeps none.
        """
        self._store, self._made, self._cache = store, made, cache
        self._collection = Collection(store, made.collection.name)
        self._before = load_snapshot(self._collection, made.parent) if made.parent else _empty(made)
        self._views: dict[str, SegmentView] = {}

    def put_onto(self, snapshot: str) -> SnapshotManifest | None:
        """Write the snapshot that the job's comes to on top of another.

        Args:
            snapshot: id of the one that was published meanwhile.

        Returns:
            The new snapshot's manifest, or `None` where both touched a document, or `snapshot` is no later
            state of the parent's segments and patches: the job has to be done again.

        Raises:
            NotPublishedError: there is no such snapshot.
            IntegrityError: something it needs is missing or damaged.
            StreamMovedError: both moved the position of the same stream.
        """
        made, before = self._made, self._before
        after = load_snapshot(self._collection, snapshot)
        # First of all: who moves the same stream writes the same documents, and is told why it is refused.
        watermarks = rebase_streams(before.watermarks, made.watermarks, after.watermarks)
        theirs = _find_added(before, after)
        if theirs is None or after.collection != made.collection:
            return None
        holds_other_rows = (made.n_rows, made.patches) != (before.n_rows, before.patches)
        if holds_other_rows:
            ours = _find_added(before, made, is_rewritten=made.relabellings != before.relabellings)
            if ours is None or self._share_documents(ours, theirs):
                return None
        joined = replace(
            made,
            segments=made.segments + theirs.segments,
            patches=made.patches + theirs.patches,
            parent=snapshot,
            n_rows=made.n_rows + after.n_rows - before.n_rows,
            n_documents=made.n_documents + after.n_documents - before.n_documents,
            attributes=merge_attribute_types(made.attributes, find_types(self._collection, theirs.segments)),
            watermarks=watermarks,
            ranking=after.ranking if made.ranking == before.ranking else made.ranking,
            relevance=after.relevance if made.relevance == before.relevance else made.relevance,
            relabellings=made.relabellings + after.relabellings[len(before.relabellings) :],
        )
        put_snapshot(self._store, joined)
        return joined

    def _share_documents(self, ours: _Added, theirs: _Added) -> bool:
        """Return whether both touched a document: wrote a version of it, or changed a row of it."""
        needed = (*ours.segments, *theirs.segments)
        if ours.patches or theirs.patches:  # of any row
            needed = (*self._before.segments, *needed)
        for digest in needed:
            if digest not in self._views:  # opening one reads all of it
                self._views[digest] = open_segment(self._collection, digest, cache=self._cache)
        views = [self._views[digest] for digest in needed]
        mine, others = (self._find_documents(views, added) for added in (ours, theirs))
        return bool(np.isin(mine, others).any())

    def _find_documents(self, views: Sequence[SegmentView], added: _Added) -> npt.NDArray[np.int64]:
        """Return the numbers of the documents that segments and patches touch; int64 [n]."""
        none = np.empty(0, np.int64)
        patches = [read_patch(self._collection, digest).changes for digest in added.patches]
        patched = np.concatenate([none, *(table["chunk_id"].to_numpy() for table in patches)])
        found = [none]
        for view in views:
            is_new = view.digest in added.segments
            found.append(view.documents if is_new else view.documents[np.isin(view.chunk_ids, patched)])
        return np.unique(np.concatenate(found))


def _empty(made: SnapshotManifest) -> SnapshotManifest:
    """Return what a first run builds on: the collection before anybody published anything."""
    return replace(
        made,
        segments=(),
        patches=(),
        n_rows=0,
        n_documents=0,
        attributes={},
        watermarks={},
        relabellings=(),
    )


def _find_added(
    before: SnapshotManifest, after: SnapshotManifest, *, is_rewritten: bool = False
) -> _Added | None:
    segments = () if is_rewritten else _cut_prefix(before.segments, after.segments)
    patches = _cut_prefix(before.patches, after.patches)
    return None if segments is None or patches is None else _Added(segments=segments, patches=patches)


def _cut_prefix(first: tuple[Item, ...], second: tuple[Item, ...]) -> tuple[Item, ...] | None:
    return second[len(first) :] if second[: len(first)] == first else None
