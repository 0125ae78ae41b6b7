"""Upload a written segment below its digest, its manifest last."""

from __future__ import annotations

from pathlib import Path

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SegmentManifest
from eagleray.digests import digest_bytes, digest_file
from eagleray.errors import IntegrityError
from indexes.segments.manifests import decode_segment_manifest
from indexes.segments.segment_files import MANIFEST

SEGMENTS = "segments"


def locate_segment(collection: str, digest: str) -> str:
    """Return the folder of a segment in the store."""
    return f"{collection}/{SEGMENTS}/{digest}"


def publish_segment(collection: Collection, folder: Path) -> str:
    """Upload a segment and return its digest: the SHA-256 of its `segment.json`.

    A crash leaves no `segment.json` in the store, and a segment without one does not exist. Publishing
    again uploads nothing where everything stands with its size.

    Raises:
        IntegrityError: the folder's files are not what its manifest says.
    """
    data = (folder / MANIFEST).read_bytes()
    digest = digest_bytes(data)
    manifest = decode_segment_manifest(data, digest=digest, path=str(folder / MANIFEST))
    verify_files(folder, manifest)
    store, target = collection.store, locate_segment(collection.name, digest)
    standing = {item.path.removeprefix(f"{target}/"): item.size_bytes for item in store.list(target)}
    wanted = {name: entry.size_bytes for name, entry in manifest.files.items()} | {MANIFEST: len(data)}
    if standing == wanted:
        store.write(f"{target}/{MANIFEST}", data)  # as young again as a vacuum must find it
        return digest
    for name in manifest.files:
        store.upload(folder / name, f"{target}/{name}")
    store.write(f"{target}/{MANIFEST}", data)
    return digest


def verify_files(folder: Path, manifest: SegmentManifest, *, named: str | None = None) -> None:
    """Check size and SHA-256 of every file of a segment in a local folder.

    Args:
        folder: where the files lie.
        manifest: what vouches for them.
        named: how the folder is called in errors; its own name if absent.

    Raises:
        IntegrityError: a file is missing or has other bytes; names the file.
    """
    for name, entry in manifest.files.items():
        path, shown = folder / name, f"{named or folder}/{name}"
        try:
            size_bytes = path.stat().st_size
        except FileNotFoundError as error:
            expected = f"a file of {entry.size_bytes} bytes"
            raise IntegrityError(path=shown, expected=expected, found="no such file") from error
        if size_bytes != entry.size_bytes:
            raise IntegrityError(
                path=shown, expected=f"{entry.size_bytes} bytes", found=f"{size_bytes} bytes"
            )
        found = digest_file(path)
        if found != entry.sha256:
            raise IntegrityError(path=shown, expected=f"SHA-256 {entry.sha256}", found=found)
