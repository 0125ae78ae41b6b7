"""From new segments and a patch to the snapshot they make of its parent.

What stands before an alias moves is invisible to readers, so a crash anywhere before leaves the
old snapshot whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.manifests import CollectionSpec, Relabelling, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.sources import StreamMove
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.opened_segment import load_segment_manifest
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
        relabellings=before.relabellings if before else (),
    )
    put_snapshot(store, manifest)
    return manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelledParts:
    """What a relabelling makes of its parent's segments.

    Attributes:
        replaced: digest of a segment of the parent -> that of what holds its rows now, or `None` where other
            segments hold all of them; those that are not named stay.
        moved: digests of the segments of rows that have other vectors.
        patch: digest of the patch to groups, or `None`.
        relabelling: what the manifest says of it.
    """

    replaced: Mapping[str, str | None]
    moved: tuple[str, ...]
    patch: str | None
    relabelling: Relabelling


def assemble_relabelled(store: Store, before: SnapshotManifest, outcome: RelabelledParts) -> SnapshotManifest:
    """Write the snapshot that a relabelling makes of its parent, and return its manifest."""
    kept = [outcome.replaced.get(digest, digest) for digest in before.segments]
    segments = (*(digest for digest in kept if digest is not None), *outcome.moved)
    collection = Collection(store, before.collection.name)
    manifest = replace(
        before,
        segments=segments,
        patches=before.patches if outcome.patch is None else (*before.patches, outcome.patch),
        parent=before.snapshot_id,
        attributes=find_types(collection, segments),
        relabellings=(*before.relabellings, outcome.relabelling),
    )
    put_snapshot(store, manifest)
    return manifest


def find_types(collection: Collection, segments: Sequence[str]) -> AttributeTypes:
    """Return the types of the attributes of some segments' rows."""
    types: AttributeTypes = {}
    for digest in segments:
        types = merge_attribute_types(types, load_segment_manifest(collection, digest).attributes)
    return types
