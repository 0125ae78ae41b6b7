"""Files in a folder or below an object-store prefix."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from eagleray.contracts.ports import Store
from eagleray.documents.formats.registry import SUFFIXES
from eagleray.errors import SourceError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage import open_store
from ray_jobs.plans.partitions import SourceFile


def open_source(url: str, *, s3: S3Settings) -> tuple[Store, str]:
    """Return the store a source's files lie in, and the source's default name.

    Args:
        url: folder, `file:///folder` or `s3://bucket/prefix`.
        s3: how an `s3://` source is reached.

    Raises:
        SourceError: the folder is not there, is no folder or may not be opened.
    """
    if "://" not in url:
        folder = Path(url).expanduser()
        try:
            is_folder = folder.is_dir()
        except OSError as error:
            raise SourceError(source=url, detail=f"it cannot be opened: {error.strerror}") from error
        if not is_folder:
            found = "a file" if folder.exists() else "nothing of that name"
            raise SourceError(source=url, detail=f"expected a folder or s3://bucket/prefix, found {found}")
        return open_store(folder), folder.resolve().name
    return open_store(url, s3=s3), PurePosixPath(url.rstrip("/")).name


def list_files(store: Store) -> tuple[SourceFile, ...]:
    """Return every file of the source except hidden ones, in the order of their paths.

    Raises:
        SourceError: there is none, or none with a suffix that can be read.
    """
    files = list_all_files(store)
    known = ", ".join(SUFFIXES)
    if not files:
        raise SourceError(source=store.url, detail=f"it holds no file; expected files that end in {known}")
    if not any(PurePosixPath(file.path).suffix.lower() in SUFFIXES for file in files):
        raise SourceError(
            source=store.url, detail=f"none of its {len(files)} files can be read; expected {known}"
        )
    return files


def list_all_files(store: Store, *, below: str = "") -> tuple[SourceFile, ...]:
    """Return every file below a folder except hidden ones, in the order of their paths."""
    return tuple(
        SourceFile(path=item.path, size_bytes=item.size_bytes, modified=item.modified, tag=item.tag)
        for item in store.list(below)
        if not any(part.startswith(".") for part in item.path.split("/"))
    )
