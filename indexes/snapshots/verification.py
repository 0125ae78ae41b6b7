"""Check every byte a snapshot needs, and report all that is wrong rather than the first fault.

Covered: the snapshot's manifest, the collection's spec, every file of every segment and files no
manifest knows beside them, every codebook and every patch, the gate's report where there is one, and
every move of every alias of the collection. A lost newest move of an alias cannot be seen: the log
ends sooner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import FileEntry, SnapshotManifest
from eagleray.errors import IntegrityError, NotPublishedError, ObjectNotFoundError
from indexes.dense.codebook_files import decode_codebook
from indexes.segments.codebooks import locate_codebook, read_codebook
from indexes.segments.opened_segment import load_segment_manifest
from indexes.segments.segment_files import MANIFEST
from indexes.segments.segment_upload import locate_segment
from indexes.snapshots.aliases import ENTRY_FILE, is_alias_name
from indexes.snapshots.catalog import load_collection, load_snapshot
from indexes.snapshots.layout import ALIASES, COLLECTION, name_alias_entry, name_gate_report, name_snapshot
from indexes.snapshots.manifests import decode_alias_entry
from indexes.snapshots.patches import read_patch
from indexes.snapshots.seals import unseal

_BLOCK_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it was written."""

    path: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What a verification read and what it found wrong.

    Attributes:
        snapshot: id of the snapshot.
        n_files: objects read.
        n_bytes: bytes read.
        findings: in the order of the checks; none means every byte is as written.
    """

    snapshot: str
    n_files: int
    n_bytes: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings


def verify_snapshot(collection: Collection, snapshot: str) -> VerificationReport:
    """Read everything the snapshot needs and report every fault.

    Args:
        collection: where it lies.
        snapshot: the snapshot's id.

    Raises:
        StoreError: the store failed; a missing object is a finding, not an error.
    """
    check = _Verification(collection=collection)
    manifest = check.read_manifest(snapshot)
    check.read_spec(manifest)
    if manifest is not None:
        for digest in manifest.segments:
            check.read_segment(digest)
        for digest in manifest.patches:
            check.read_patch(digest)
    check.read_gate_report(snapshot)
    check.read_aliases()
    return VerificationReport(
        snapshot=snapshot, n_files=check.n_files, n_bytes=check.n_bytes, findings=tuple(check.findings)
    )


@dataclass(slots=True, kw_only=True)
class _Verification:
    """Findings and counts while a verification is at work."""

    collection: Collection
    findings: list[Finding] = field(default_factory=list)
    codebooks: set[str] = field(default_factory=set)
    n_files: int = 0
    n_bytes: int = 0

    def read_manifest(self, snapshot: str) -> SnapshotManifest | None:
        path = f"{self.collection.name}/{name_snapshot(snapshot)}"
        with self._noting(path):
            manifest = load_snapshot(self.collection, snapshot)
            self._count(path)
            return manifest
        return None

    def read_spec(self, manifest: SnapshotManifest | None) -> None:
        path = f"{self.collection.name}/{COLLECTION}"
        with self._noting(path):
            spec = load_collection(self.collection)
            self._count(path)
            if manifest is not None and spec != manifest.collection:
                raise IntegrityError(path=path, expected="the spec in the snapshot", found="another spec")

    def read_segment(self, digest: str) -> None:
        folder = locate_segment(self.collection.name, digest)
        present = [item.path for item in self.collection.store.list(folder)]
        with self._noting(f"{folder}/{MANIFEST}"):
            manifest = load_segment_manifest(self.collection, digest)
            self._count(f"{folder}/{MANIFEST}")
            if manifest.dense is not None:
                self.read_codebook(manifest.dense.codebook)
            for name, entry in manifest.files.items():
                with self._noting(f"{folder}/{name}"):
                    self._read_file(f"{folder}/{name}", entry)
            known = {f"{folder}/{name}" for name in (MANIFEST, *manifest.files)}
            for path in present:
                if path not in known:
                    self.findings.append(Finding(path=path, expected="no such file", found="a file"))

    def read_codebook(self, digest: str) -> None:
        if digest in self.codebooks:
            return
        self.codebooks.add(digest)
        path = locate_codebook(self.collection.name, digest)
        with self._noting(path):
            decode_codebook(read_codebook(self.collection, digest), digest=digest, path=path)
            self._count(path)

    def read_patch(self, digest: str) -> None:
        patch = None
        with self._noting(f"patch {digest}"):
            patch = read_patch(self.collection, digest)
        if patch is not None:
            self.n_files, self.n_bytes = self.n_files + 1, self.n_bytes + len(patch.data)

    def read_gate_report(self, snapshot: str) -> None:
        below = name_gate_report(snapshot)
        path = f"{self.collection.name}/{below}"
        if not self.collection.store.exists(path):
            return
        with self._noting(path):
            unseal(self.collection.store.read(path), name=below, path=path)
            self._count(path)

    def read_aliases(self) -> None:
        folder = f"{self.collection.name}/{ALIASES}/"
        logs: dict[str, list[str]] = {}
        for item in self.collection.store.list(folder.rstrip("/")):
            logs.setdefault(item.path.removeprefix(folder).rpartition("/")[0], []).append(item.path)
        for alias, paths in logs.items():
            moves = [path for path in paths if is_alias_name(alias) and _is_move(path)]
            known = [
                f"{self.collection.name}/{name_alias_entry(alias, place)}"
                for place in range(1, len(moves) + 1)
            ]
            for path in sorted(set(paths) - set(known)):
                self.findings.append(Finding(path=path, expected="moves without a gap", found="another file"))
            self._read_moves(alias, known)

    def _read_moves(self, alias: str, paths: list[str]) -> None:
        """Check one log: every move whole, and each away from where the one before led."""
        before: str | None = None
        is_before_known = True
        for sequence, path in enumerate(paths, start=1):
            entry = None
            with self._noting(path):
                below = name_alias_entry(alias, sequence)
                entry = decode_alias_entry(self.collection.store.read(path), name=below, path=path)
                self._count(path)
                if entry.sequence != sequence or (is_before_known and entry.previous != before):
                    expected_move = f"move {sequence}, away from {before}"
                    found = f"move {entry.sequence}, away from {entry.previous}"
                    raise IntegrityError(path=path, expected=expected_move, found=found)
            before, is_before_known = (entry.snapshot, True) if entry else (None, False)
        if before and not self.collection.store.exists(f"{self.collection.name}/{name_snapshot(before)}"):
            fault = Finding(path=paths[-1], expected=f"snapshot {before}", found="no such snapshot")
            self.findings.append(fault)

    def _read_file(self, path: str, entry: FileEntry) -> None:
        digest, n_bytes = hashlib.sha256(), 0
        while block := self.collection.store.read_range(path, n_bytes, n_bytes + _BLOCK_BYTES):
            digest.update(block)
            n_bytes += len(block)
        self.n_files, self.n_bytes = self.n_files + 1, self.n_bytes + n_bytes
        if n_bytes != entry.size_bytes:
            raise IntegrityError(path=path, expected=f"{entry.size_bytes} bytes", found=f"{n_bytes} bytes")
        if digest.hexdigest() != entry.sha256:
            raise IntegrityError(path=path, expected=f"SHA-256 {entry.sha256}", found=digest.hexdigest())

    def _count(self, path: str) -> None:
        self.n_files += 1
        self.n_bytes += len(self.collection.store.read(path))

    @contextmanager
    def _noting(self, path: str) -> Iterator[None]:
        """Turn an error about a stored object into a finding."""
        try:
            yield
        except IntegrityError as error:
            fault = Finding(path=error.path, expected=error.expected, found=error.found)
            self.findings.append(fault)
        except (ObjectNotFoundError, NotPublishedError):
            self.findings.append(Finding(path=path, expected="an object", found="no such object"))


def _is_move(path: str) -> bool:
    return ENTRY_FILE.fullmatch(path.rpartition("/")[2]) is not None
