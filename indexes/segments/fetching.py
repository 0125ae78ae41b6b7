"""Bring a segment's files to a local folder: in place for local stores, else into a cache.

The cache holds one folder a segment digest, made by rename, so any number of processes may share
it. What it holds is checked like any other file and fetched again where it is damaged.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eagleray.contracts.manifests import SegmentManifest
from eagleray.contracts.ports import Store
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.segments.segment_files import MANIFEST
from indexes.segments.segment_upload import verify_files


@contextmanager
def fetch_segment(
    store: Store, source: str, *, digest: str, manifest: SegmentManifest, cache: Path | None
) -> Iterator[Path]:
    """Give the local folder that holds the segment's files, every one verified.

    Args:
        store: where the segment lies.
        source: the segment's folder in the store.
        digest: the segment's name, which names its folder in the cache.
        manifest: what vouches for its files.
        cache: folder for copies of remote segments; `None` keeps none: the copy loses its name
            when the context ends, and lives on as long as its files are mapped.

    Raises:
        IntegrityError: a file in the store is missing or has other bytes.
    """
    local = store.find_local(f"{source}/{MANIFEST}")
    if local is not None:
        verify_files(local.parent, manifest, named=source)
        yield local.parent
    elif cache is None:
        with tempfile.TemporaryDirectory(prefix="eagleray-") as folder:
            _download(store, source, manifest=manifest, target=Path(folder))
            yield Path(folder)
    else:
        yield _fetch_cached(store, source, manifest=manifest, kept=cache / digest)


def _fetch_cached(store: Store, source: str, *, manifest: SegmentManifest, kept: Path) -> Path:
    with suppress(IntegrityError):
        verify_files(kept, manifest)
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.parent / f".partial-{uuid.uuid4().hex}"
    partial.mkdir()
    try:
        _download(store, source, manifest=manifest, target=partial)
        _swap(partial, kept, manifest)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return kept


def _swap(partial: Path, kept: Path, manifest: SegmentManifest) -> None:
    """Rename the verified folder into place; one that somebody else put there meanwhile stays."""
    try:
        partial.rename(kept)
    except OSError:
        with suppress(IntegrityError):
            verify_files(kept, manifest)
            return
        damaged = kept.parent / f".damaged-{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):  # somebody else moved it aside first
            kept.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
        with suppress(OSError):  # somebody else renamed a verified copy into place first
            partial.rename(kept)
        verify_files(kept, manifest)


def _download(store: Store, source: str, *, manifest: SegmentManifest, target: Path) -> None:
    for name, entry in manifest.files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            store.download(f"{source}/{name}", target / name)
        except ObjectNotFoundError as error:
            expected = f"an object of {entry.size_bytes} bytes"
            raise IntegrityError(
                path=f"{source}/{name}", expected=expected, found="no such object"
            ) from error
    verify_files(target, manifest, named=source)
