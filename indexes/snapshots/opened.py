"""An opened snapshot: its manifest and its segments as the search code sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.times import OPEN_END
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.segments.opened_segment import open_segment
from indexes.segments.view import SegmentView
from indexes.snapshots.catalog import load_snapshot, resolve
from indexes.snapshots.layout import name_snapshot
from indexes.snapshots.patches import read_patch


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSnapshot:
    """An immutable state of a collection, mapped into memory.

    Attributes:
        snapshot_id: SHA-256 of the manifest's bytes.
        segments: in the manifest's order, patches applied.
    """

    snapshot_id: str
    manifest: SnapshotManifest
    segments: tuple[SegmentView, ...]

    @property
    def n_rows(self) -> int:
        """Rows in all segments."""
        return count_rows(self.segments)

    @property
    def n_documents(self) -> int:
        """Distinct documents with a version that nothing superseded or deleted."""
        return count_open_documents(self.segments)


def open_snapshot(collection: Collection, name: str, *, cache: Path | None = None) -> OpenSnapshot:
    """Open the snapshot that an alias, an id or the beginning of an id names.

    Args:
        collection: where it lies.
        name: an alias, an id, or at least the first 8 digits of an id.
        cache: folder for copies of remote segments; `None` keeps none.

    Raises:
        NotPublishedError: nothing has that name.
        IntegrityError: something the snapshot needs is missing or damaged.
    """
    snapshot = resolve(collection, name)
    manifest = load_snapshot(collection, snapshot)
    segments = open_segments(collection, snapshot, manifest=manifest, segments=manifest.segments, cache=cache)
    path = f"{collection.name}/{name_snapshot(snapshot)}"
    if count_rows(segments) != manifest.n_rows:
        found = f"{count_rows(segments)} rows in its segments"
        raise IntegrityError(path=path, expected=f"{manifest.n_rows} rows", found=found)
    return OpenSnapshot(snapshot_id=snapshot, manifest=manifest, segments=segments)


def open_segments(
    collection: Collection,
    snapshot: str,
    *,
    manifest: SnapshotManifest,
    segments: Sequence[str],
    cache: Path | None = None,
) -> tuple[SegmentView, ...]:
    """Open some segments of a snapshot with the snapshot's patches applied; the others are not read.

    Args:
        collection: where it lies.
        snapshot: the snapshot's id.
        manifest: of the snapshot.
        segments: digests of some of its segments.
        cache: folder for copies of remote segments; `None` keeps none.

    Raises:
        IntegrityError: something the segments need is missing or damaged.
    """
    patches = [read_patch(collection, digest).changes for digest in manifest.patches]
    path = f"{collection.name}/{name_snapshot(snapshot)}"
    opened = []
    for digest in segments:
        view = open_segment(collection, digest, cache=cache, patches=patches)
        _check_model(view, manifest, path=path)
        opened.append(view)
    return tuple(opened)


def open_snapshot_segment(
    collection: Collection, snapshot: str, *, segment: str, cache: Path | None = None
) -> SegmentView:
    """Open one segment of a snapshot with the snapshot's patches applied.

    Args:
        collection: where it lies.
        snapshot: the snapshot's id.
        segment: digest of one of its segments.
        cache: folder for copies of remote segments; `None` keeps none.

    Raises:
        NotPublishedError: there is no such snapshot, or it has no such segment.
        IntegrityError: something the segment needs is missing or damaged.
    """
    manifest = load_snapshot(collection, snapshot)
    if segment not in manifest.segments:
        raise NotPublishedError(name=segment, detail=f"snapshot {snapshot} has no such segment")
    (view,) = open_segments(collection, snapshot, manifest=manifest, segments=[segment], cache=cache)
    return view


def count_rows(segments: Sequence[SegmentView]) -> int:
    """Return the rows of all segments."""
    return sum(segment.n_rows for segment in segments)


def count_open_documents(segments: Sequence[SegmentView]) -> int:
    """Return the distinct documents with a row that nothing superseded or deleted."""
    standing = [np.unique(segment.documents[segment.known_to == OPEN_END]) for segment in segments]
    return len(np.unique(np.concatenate(standing))) if standing else 0


def _check_model(segment: SegmentView, manifest: SnapshotManifest, *, path: str) -> None:
    expected, found = manifest.collection.embedder, segment.embedder.model
    if found != expected:
        shown = f"those of {found.name} ({found.dim} numbers) in segment {segment.digest}"
        wanted = f"vectors of {expected.name} ({expected.dim} numbers)"
        raise IntegrityError(path=path, expected=wanted, found=shown)
