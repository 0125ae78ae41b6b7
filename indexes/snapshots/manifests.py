"""Snapshot manifests, specs and alias moves from their bytes, strictly.

The decoder that serves every kind lives in `indexes.segments.manifests`; the seals round specs
and moves live in `seals`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from eagleray.contracts.manifests import (
    AliasEntry,
    CollectionSpec,
    Manifest,
    SnapshotManifest,
    encode_manifest,
)
from eagleray.digests import canonical_json, digest_bytes
from eagleray.errors import IntegrityError
from indexes.segments.manifests import DIGEST, decode_manifest
from indexes.snapshots.seals import seal, unseal


def decode_snapshot(data: bytes, *, snapshot: str, path: str) -> SnapshotManifest:
    """Return the manifest of the snapshot named `snapshot`.

    Raises:
        IntegrityError: the bytes have another digest, or are no sound snapshot manifest.
    """
    found = digest_bytes(data)
    if found != snapshot:
        raise IntegrityError(path=path, expected=f"SHA-256 {snapshot}", found=found)
    manifest = decode_manifest(data, SnapshotManifest, path=path)
    for part, digests in (("segments", manifest.segments), ("patches", manifest.patches)):
        if not _are_digests(digests):
            raise IntegrityError(path=path, expected=f"SHA-256 digests as {part}", found=str(digests))
    if len(set(manifest.segments)) != len(manifest.segments):  # a patch may come again: the last groups win
        raise IntegrityError(path=path, expected="distinct segments", found=str(manifest.segments))
    if manifest.parent is not None and not _are_digests([manifest.parent]):
        raise IntegrityError(path=path, expected="a SHA-256 digest as parent", found=manifest.parent)
    return manifest


def encode_collection(spec: CollectionSpec, *, name: str) -> bytes:
    """Return the bytes of a collection's spec, sealed for the object `name`."""
    return seal(_to_json(spec), name=name)


def decode_collection(data: bytes, *, name: str, path: str) -> CollectionSpec:
    """Return a collection's spec.

    Raises:
        IntegrityError: the seal does not hold, or what it covers is no spec.
    """
    entry = unseal(data, name=name, path=path)
    return decode_manifest(canonical_json(entry), CollectionSpec, path=path)


def encode_alias_entry(entry: AliasEntry, *, writer: str, name: str) -> bytes:
    """Return the bytes of one move of an alias, sealed for the object `name`.

    Args:
        entry: the move.
        writer: random name of the attempt, so that no two publishers write the same bytes.
        name: the object's name below its collection.
    """
    return seal({"move": _to_json(entry), "writer": writer}, name=name)


def decode_alias_entry(data: bytes, *, name: str, path: str) -> AliasEntry:
    """Return one move of an alias.

    Raises:
        IntegrityError: the seal does not hold, or what it covers is no move.
    """
    body = unseal(data, name=name, path=path)
    if not isinstance(body, dict) or body.keys() != {"move", "writer"}:
        raise IntegrityError(path=path, expected="a move and its writer", found=type(body).__name__)
    entry = decode_manifest(canonical_json(body["move"]), AliasEntry, path=path)
    if not _are_digests([entry.snapshot]):
        raise IntegrityError(path=path, expected="a snapshot's id", found=entry.snapshot)
    return entry


def _are_digests(digests: Iterable[str]) -> bool:
    return all(DIGEST.fullmatch(digest) for digest in digests)


def _to_json(manifest: Manifest) -> Any:
    return json.loads(encode_manifest(manifest))
