"""What changed between two opened snapshots of a collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eagleray.contracts.times import OPEN_END
from indexes.segments.view import SegmentView
from indexes.snapshots.opened import OpenSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDifference:
    """How `after` differs from `before`.

    Attributes:
        before: id of the first snapshot.
        after: id of the second.
        segments_added: digests only the second has, in its order.
        segments_removed: digests only the first has, in its order.
        patches_added: digests only the second has, in its order.
        patches_removed: digests only the first has, in its order.
        n_rows_before: rows of the first.
        n_rows_after: rows of the second.
        n_documents_before: documents open in the first.
        n_documents_after: documents open in the second.
        n_added: documents open in the second only.
        n_removed: documents open in the first only.
        n_superseded: documents open in both, with another version.
    """

    before: str
    after: str
    segments_added: tuple[str, ...]
    segments_removed: tuple[str, ...]
    patches_added: tuple[str, ...]
    patches_removed: tuple[str, ...]
    n_rows_before: int
    n_rows_after: int
    n_documents_before: int
    n_documents_after: int
    n_added: int
    n_removed: int
    n_superseded: int


def diff_snapshots(before: OpenSnapshot, after: OpenSnapshot) -> SnapshotDifference:
    """Return what `after` has that `before` has not, and the other way round."""
    old, new = _list_open_versions(before.segments), _list_open_versions(after.segments)
    both = old.keys() & new.keys()
    return SnapshotDifference(
        before=before.snapshot_id,
        after=after.snapshot_id,
        segments_added=_subtract(after.manifest.segments, before.manifest.segments),
        segments_removed=_subtract(before.manifest.segments, after.manifest.segments),
        patches_added=_subtract(after.manifest.patches, before.manifest.patches),
        patches_removed=_subtract(before.manifest.patches, after.manifest.patches),
        n_rows_before=before.n_rows,
        n_rows_after=after.n_rows,
        n_documents_before=len(old),
        n_documents_after=len(new),
        n_added=len(new) - len(both),
        n_removed=len(old) - len(both),
        n_superseded=sum(old[document] != new[document] for document in both),
    )


def _subtract(digests: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(digest for digest in digests if digest not in set(others))


def _list_open_versions(segments: Sequence[SegmentView]) -> dict[int, set[str]]:
    """Return document number -> versions that nothing superseded or deleted."""
    versions: dict[int, set[str]] = defaultdict(set)
    for segment in segments:
        rows = np.flatnonzero(segment.known_to == OPEN_END)
        names = segment.rows["version"].take(rows).to_pylist()
        for document, version in zip(segment.documents[rows].tolist(), names, strict=True):
            versions[document].add(version)
    return versions
