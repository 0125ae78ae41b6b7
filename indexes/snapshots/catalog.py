"""Which collections, snapshots and names there are: specs and manifests in and out of the store.

What a snapshot's segments hold is opened in `opened`; names that move live in `aliases`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import asdict, dataclass
from typing import Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import CollectionSpec, SnapshotManifest, encode_manifest
from eagleray.contracts.ports import Store
from eagleray.digests import digest_bytes
from eagleray.errors import InputError, IntegrityError, NotPublishedError, ObjectNotFoundError
from indexes.segments.manifests import DIGEST
from indexes.snapshots.aliases import list_aliases, read_alias
from indexes.snapshots.layout import COLLECTION, SNAPSHOTS, name_snapshot
from indexes.snapshots.manifests import decode_collection, decode_snapshot, encode_collection

MIN_PREFIX: Final = 8
"""Digits of a snapshot's id that are enough to name it, if no other begins so."""

_PREFIX: Final = re.compile(rf"[0-9a-f]{{{MIN_PREFIX},63}}")
_SNAPSHOT_FILE: Final = re.compile(rf"({DIGEST.pattern})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEntry:
    """A snapshot as the store lists it.

    Attributes:
        written_at: microseconds, by the store's clock.
    """

    snapshot: str
    written_at: int


def put_collection(store: Store, spec: CollectionSpec) -> None:
    """Write a collection's spec unless it stands already.

    Raises:
        InputError: the collection exists with another spec.
        IntegrityError: the spec that stands is damaged.
    """
    data = encode_collection(spec, name=COLLECTION)
    if store.create(f"{spec.name}/{COLLECTION}", data):
        return
    made = load_collection(Collection(store, spec.name))
    if made != spec:
        detail = (
            f"collection {spec.name} was made with another embedder or chunker: {_tell_apart(made, spec)}; "
            "use the same settings, or build under another name"
        )
        raise InputError(detail=detail)


def _tell_apart(made: CollectionSpec, given: CollectionSpec) -> str:
    """Return what a collection was made with, and what it is to be made with now."""
    if made.embedder.name != given.embedder.name:
        return f"the embedder {made.embedder.name}, not {given.embedder.name}"
    if made.embedder != given.embedder:
        return f"other files of the embedder {made.embedder.name}"
    before, now = ({**asdict(spec.chunker), "format_version": spec.format_version} for spec in (made, given))
    names = [name for name in before if before[name] != now[name]]
    return ", ".join(
        f"another {name}" if name == "tokenizer" else f"{name} {before[name]}, not {now[name]}"
        for name in names
    )


def load_collection(collection: Collection) -> CollectionSpec:
    """Return a collection's spec.

    Raises:
        NotPublishedError: there is no such collection.
        IntegrityError: the spec is damaged.
    """
    path = f"{collection.name}/{COLLECTION}"
    try:
        data = collection.store.read(path)
    except ObjectNotFoundError as error:
        detail = (
            f"there is no such collection in {collection.store.url}{_describe_collections(collection.store)}"
        )
        raise NotPublishedError(name=collection.name, detail=detail) from error
    return decode_collection(data, name=COLLECTION, path=path)


def list_collections(store: Store) -> tuple[str, ...]:
    """Return the names of the collections of a store, sorted; a published one has an alias, too."""
    return tuple(name for name in store.list_folders() if store.exists(f"{name}/{COLLECTION}"))


def _describe_collections(store: Store) -> str:
    """Return what a local store holds instead; a remote one may not let itself be listed."""
    if not store.url.startswith("file:"):
        return ""
    found = list_collections(store)
    return (
        f"; it has {', '.join(found[:10])}"
        if found
        else ", which holds no collection: is it the right store?"
    )


def put_snapshot(store: Store, manifest: SnapshotManifest) -> str:
    """Write a snapshot's manifest, last of all it names, and return its id.

    Raises:
        IntegrityError: an object of that id stands with other bytes.
    """
    data = encode_manifest(manifest)
    snapshot = digest_bytes(data)
    path = f"{manifest.collection.name}/{name_snapshot(snapshot)}"
    if not store.create(path, data) and store.read(path) != data:
        raise IntegrityError(path=path, expected=f"SHA-256 {snapshot}", found="other bytes")
    return snapshot


def load_snapshot(collection: Collection, snapshot: str) -> SnapshotManifest:
    """Return a snapshot's manifest, its bytes checked against the id.

    Raises:
        NotPublishedError: the collection has no such snapshot.
        IntegrityError: the manifest is damaged, or belongs to another collection.
    """
    path = f"{collection.name}/{name_snapshot(snapshot)}"
    try:
        data = collection.store.read(path)
    except ObjectNotFoundError as error:
        detail = f"collection {collection.name} has no such snapshot"
        raise NotPublishedError(name=snapshot, detail=detail) from error
    manifest = decode_snapshot(data, snapshot=snapshot, path=path)
    if manifest.collection.name != collection.name:
        found = f"one of {manifest.collection.name}"
        raise IntegrityError(path=path, expected=f"a snapshot of {collection.name}", found=found)
    return manifest


def list_snapshots(collection: Collection) -> tuple[SnapshotEntry, ...]:
    """Return the collection's snapshots, oldest first."""
    entries = []
    for item in collection.store.list(f"{collection.name}/{SNAPSHOTS}"):
        match = _SNAPSHOT_FILE.fullmatch(item.path.rsplit("/", 1)[-1])
        if match:
            entries.append(SnapshotEntry(snapshot=match[1], written_at=item.modified))
    return tuple(sorted(entries, key=lambda entry: (entry.written_at, entry.snapshot)))


def resolve(collection: Collection, name: str) -> str:
    """Return the id of the snapshot that an alias, an id or the beginning of an id names.

    Args:
        collection: where it lies.
        name: an alias, 64 hex digits, or at least the first 8 of them.

    Raises:
        NotPublishedError: nothing has that name, or more than one snapshot begins so.
        IntegrityError: the alias's entry is damaged.
    """
    if DIGEST.fullmatch(name):
        if collection.store.exists(f"{collection.name}/{name_snapshot(name)}"):
            return name
        raise _describe_unknown(collection, name)
    if _PREFIX.fullmatch(name):
        begun = [item.snapshot for item in list_snapshots(collection) if item.snapshot.startswith(name)]
        if len(begun) > 1:
            detail = f"{len(begun)} snapshots of {collection.name} begin so; write more digits"
            raise NotPublishedError(name=name, detail=detail)
        if begun:
            return begun[0]
        raise _describe_unknown(collection, name)
    if name in (aliases := list_aliases(collection)):
        entry = read_alias(collection, name)
        if entry is not None:
            return entry.snapshot
    raise _describe_unknown(collection, name, aliases)


def _describe_unknown(
    collection: Collection, name: str, aliases: tuple[str, ...] | None = None
) -> NotPublishedError:
    """Return the error that says what there is instead of `name`."""
    load_collection(collection)
    aliases = list_aliases(collection) if aliases is None else aliases
    snapshots = [item.snapshot for item in list_snapshots(collection)]
    near = [*difflib.get_close_matches(name, aliases), *difflib.get_close_matches(name, snapshots)]
    detail = f"collection {collection.name} has no alias or snapshot of that name"
    if begun := [snapshot for snapshot in snapshots if snapshot.startswith(name)]:
        detail += f"; give at least 8 digits of an id, such as {begun[0][:8]}: {name!r} has {len(name)}"
    elif near:
        detail += f"; did you mean {' or '.join(near)}?"
    else:
        known = [*aliases, *(snapshot[:12] for snapshot in snapshots[-3:])]
        detail += f"; it has {', '.join(known) or 'none yet'}"
    return NotPublishedError(name=name, detail=detail)
