"""Copy a snapshot, with all it needs, into another store: a backup, and its restoration the other way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import FileEntry, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.digests import digest_file
from eagleray.errors import InputError, IntegrityError, ObjectNotFoundError
from indexes.segments.codebooks import CODEBOOKS, locate_codebook, read_codebook
from indexes.segments.opened_segment import load_segment_manifest
from indexes.segments.segment_files import MANIFEST
from indexes.segments.segment_upload import SEGMENTS, locate_segment
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from indexes.snapshots.layout import COLLECTION, PATCHES, name_gate_report, name_patch
from indexes.snapshots.patches import read_patch
from indexes.snapshots.seals import unseal
from indexes.snapshots.verification import verify_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """What a copy did.

    Attributes:
        n_copied: objects written.
        n_standing: objects that stood there already.
        n_bytes: bytes written.
    """

    snapshot: str
    n_copied: int
    n_standing: int
    n_bytes: int


def copy_snapshot(source: Store, target: Store, collection: str, snapshot: str) -> CopyReport:
    """Copy what is not there yet, the snapshot's manifest last, and check every byte of the result.

    A copy that was cut short is continued by the next, and a file of a segment or a patch that is damaged
    in the target is written again. No alias moves.

    Args:
        source: where the collection lies.
        target: another store.
        collection: its name, the same in both.
        snapshot: the snapshot's id.

    Raises:
        NotPublishedError: the source has no such snapshot.
        InputError: the target is the source, or holds another collection of that name.
        IntegrityError: the source is damaged, or the target after the copy.
    """
    if source.url == target.url:
        raise InputError(detail=f"a copy goes to another store than its source, {source.url}")
    manifest = load_snapshot(Collection(source, collection), snapshot)
    if target.exists(f"{collection}/{COLLECTION}"):
        put_collection(target, manifest.collection)  # refuses another one before anything is copied
    copy = _Copy(source=source, target=target, standing=_list_standing(target, collection))
    for path, entry in copy.list_objects(manifest):
        copy.put(path, entry)
    put_collection(target, manifest.collection)
    _copy_gate_report(source, target, f"{collection}/{name_gate_report(snapshot)}", snapshot)
    put_snapshot(target, manifest)
    copy.mend(manifest)
    return CopyReport(
        snapshot=snapshot, n_copied=copy.n_copied, n_standing=copy.n_standing, n_bytes=copy.n_bytes
    )


@dataclass(slots=True, kw_only=True)
class _Copy:
    """Counts while a copy is at work.

    Attributes:
        standing: path -> size of what the target held before.
    """

    source: Store
    target: Store
    standing: dict[str, int]
    n_copied: int = 0
    n_standing: int = 0
    n_bytes: int = 0

    def list_objects(self, manifest: SnapshotManifest) -> Iterator[tuple[str, FileEntry]]:
        """Yield the objects a snapshot needs, a segment's manifest after its files."""
        collection = manifest.collection.name
        codebooks: set[str] = set()
        for digest in manifest.segments:
            folder = locate_segment(collection, digest)
            segment = load_segment_manifest(Collection(self.source, collection), digest)
            if segment.dense is not None and segment.dense.codebook not in codebooks:
                codebooks.add(segment.dense.codebook)
                yield self._describe_codebook(collection, segment.dense.codebook)
            for name, entry in segment.files.items():
                yield f"{folder}/{name}", entry
            size_bytes = len(self.source.read(f"{folder}/{MANIFEST}"))
            yield f"{folder}/{MANIFEST}", FileEntry(sha256=digest, size_bytes=size_bytes)
        for digest in manifest.patches:
            size_bytes = len(read_patch(Collection(self.source, collection), digest).data)
            yield f"{collection}/{name_patch(digest)}", FileEntry(sha256=digest, size_bytes=size_bytes)

    def _describe_codebook(self, collection: str, digest: str) -> tuple[str, FileEntry]:
        size_bytes = len(read_codebook(Collection(self.source, collection), digest))
        return locate_codebook(collection, digest), FileEntry(sha256=digest, size_bytes=size_bytes)

    def put(self, path: str, entry: FileEntry) -> None:
        """Copy an object unless one of its size stands: its name says what it holds."""
        if self.standing.get(path) == entry.size_bytes:
            self.n_standing += 1
        else:
            self._write(path, entry)

    def mend(self, manifest: SnapshotManifest) -> None:
        """Check the target, and write again what is damaged there.

        Raises:
            IntegrityError: the target is not sound all the same.
        """
        collection, snapshot = manifest.collection.name, manifest.snapshot_id
        findings = verify_snapshot(Collection(self.target, collection), snapshot).findings
        if findings:
            damaged = {finding.path for finding in findings}
            for path, entry in self.list_objects(manifest):
                if path in damaged or f"patch {entry.sha256}" in damaged:
                    self._write(path, entry)
            findings = verify_snapshot(Collection(self.target, collection), snapshot).findings
        if findings:
            first = findings[0]
            path = f"{self.target.url}/{first.path}"
            raise IntegrityError(path=path, expected=first.expected, found=first.found)

    def _write(self, path: str, entry: FileEntry) -> None:
        with tempfile.TemporaryDirectory(prefix="eagleray-copy-") as folder:
            local = self.source.find_local(path)
            if local is None:
                local = Path(folder) / "object"
                self._download(path, entry, local)
            found = digest_file(local)
            if found != entry.sha256:
                raise IntegrityError(path=path, expected=f"SHA-256 {entry.sha256}", found=found)
            self.target.upload(local, path)
        self.n_copied += 1
        self.n_bytes += entry.size_bytes

    def _download(self, path: str, entry: FileEntry, local: Path) -> None:
        try:
            self.source.download(path, local)
        except ObjectNotFoundError as error:
            expected = f"an object of {entry.size_bytes} bytes"
            raise IntegrityError(path=path, expected=expected, found="no such object") from error


def _list_standing(target: Store, collection: str) -> dict[str, int]:
    folders = (f"{collection}/{name}" for name in (SEGMENTS, PATCHES, CODEBOOKS))
    return {item.path: item.size_bytes for folder in folders for item in target.list(folder)}


def _copy_gate_report(source: Store, target: Store, path: str, snapshot: str) -> None:
    if source.exists(path):
        data = source.read(path)
        unseal(data, name=name_gate_report(snapshot), path=path)
        target.write(path, data)
