"""From new segments and a patch to the snapshot they make of its parent.

What stands before an alias moves is invisible to readers, so a crash anywhere before leaves the
old snapshot whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.manifests import CollectionSpec, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.sources import StreamMove
from indexes.segments.attributes import merge_attribute_types
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from indexes.snapshots.streams import move_streams


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutcome:
    """What a run or a write adds to its parent.

    Attributes:
        segments: digests, in the order of the segment plan.
        n_rows: rows of these segments.
        patch: digest of the patch to the rows there were, or `None`.
        open_change: by how much the number of open documents changed.
        attributes: types of the new rows' attributes.
        moves: of the streams that the rows were read from.
    """

    segments: tuple[str, ...]
    n_rows: int
    patch: str | None
    open_change: int
    attributes: AttributeTypes
    moves: tuple[StreamMove, ...] = ()


def assemble_snapshot(
    store: Store, spec: CollectionSpec, *, parent: str | None, outcome: BuildOutcome
) -> SnapshotManifest:
    """Write the snapshot that `outcome` makes of its parent, and return its manifest.

    Raises:
        StreamMovedError: a stream does not stand where a move of it goes on from.
    """
    before = load_snapshot(Collection(store, spec.name), parent) if parent else None
    patches = list(before.patches) if before else []
    if outcome.patch is not None:
        patches.append(outcome.patch)
    segments: Sequence[str] = before.segments if before else ()
    manifest = SnapshotManifest(
        collection=spec,
        segments=(*segments, *outcome.segments),
        patches=tuple(patches),
        parent=parent,
        n_rows=(before.n_rows if before else 0) + outcome.n_rows,
        n_documents=(before.n_documents if before else 0) + outcome.open_change,
        attributes=merge_attribute_types(before.attributes if before else {}, outcome.attributes),
        watermarks=move_streams(before.watermarks if before else {}, outcome.moves),
        ranking=before.ranking if before else None,
        relevance=before.relevance if before else None,
    )
    put_snapshot(store, manifest)
    return manifest
