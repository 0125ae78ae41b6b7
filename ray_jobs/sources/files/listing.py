"""Files in a folder or below an object-store prefix, and what is passed over there."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from eagleray.contracts.ports import Store, StoredObject
from eagleray.documents.formats.registry import SUFFIXES
from eagleray.errors import SourceError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage import open_store, read_file_url
from indexes.storage.local import LocalStore

_HADOOP_MARKER: Final = "_$folder$"
"""How Hadoop names the object of no bytes that stands for a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of a source.

    Attributes:
        path: relative to the source's root, separated by `/`.
        size_bytes: its size.
        modified: change time, microseconds.
        tag: changes whenever the content may have changed.
    """

    path: str
    size_bytes: int
    modified: int
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a source of files holds.

    Attributes:
        files: that are read, in the order of their paths; folders that cannot be opened are among them.
        closed: those folders: what the collection holds of them stays.
        passed_over: what is not read -> how many there are: `hidden`, `linked_folders`, `special_files`
            (pipes, sockets, devices), `own_files` (of the store, the cache or the audit log),
            `folder_markers` and `unnameable_keys` (of buckets).
    """

    files: tuple[SourceFile, ...]
    closed: tuple[str, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)


def check_folder(uri: str) -> str:
    """Return the URI of files as it is the same in any process: a folder's path from the root on.

    Raises:
        SourceError: the folder is not there, is no folder or may not be opened.
    """
    folder = find_folder(uri)
    if folder is None:
        return uri
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        raise SourceError(source=uri, detail=f"it cannot be opened: {error.strerror}") from error
    if not is_folder:
        found = "a file" if folder.exists() else "nothing of that name"
        raise SourceError(source=uri, detail=f"expected a folder or s3://bucket/prefix, found {found}")
    return uri if "://" in uri else str(folder.absolute())


def open_files(uri: str, *, s3: S3Settings) -> Store:
    """Return the store that a source's files lie in.

    Raises:
        InputError: the URI is that of no store.
    """
    folder = find_folder(uri)
    return open_store(uri, s3=s3) if folder is None else LocalStore(folder, is_seen=True)


def find_folder(uri: str) -> Path | None:
    """Return the folder that a path or `file:///folder` names; `None` for what lies elsewhere."""
    if "://" not in uri:
        return Path(uri).expanduser()
    return read_file_url(uri) if urlsplit(uri).scheme == "file" else None


def name_files(uri: str) -> str:
    """Return what the files of a folder or prefix are filed under: its last part."""
    is_path = "://" not in uri
    return Path(uri).expanduser().resolve().name if is_path else PurePosixPath(uri.rstrip("/")).name


def list_files(store: Store, *, own: Sequence[str] = ()) -> Listing:
    """Return every file of the source that may be read, and what is passed over.

    Args:
        store: where the source's files lie.
        own: URLs of the collection's store and audit log, and folders of its caches; never part of a source.

    Raises:
        SourceError: there is none, or none with a suffix that can be read, or the source lies in the store.
    """
    listing = _list(store, own=own)
    known = ", ".join(SUFFIXES)
    if not listing.files:
        passed = "".join(f"; passed over: {n} {name}" for name, n in listing.passed_over.items())
        detail = f"it holds no file; expected files that end in {known}{passed}"
        raise SourceError(source=store.url, detail=detail)
    if not any(PurePosixPath(file.path).suffix.lower() in SUFFIXES for file in listing.files):
        raise SourceError(
            source=store.url, detail=f"none of its {len(listing.files)} files can be read; expected {known}"
        )
    return listing


def list_all_files(store: Store, *, below: str = "") -> tuple[SourceFile, ...]:
    """Return every file below a folder except hidden ones, in the order of their paths."""
    folder = _resolve_folder(store.url)
    found = [item for item in store.list(below) if not _find_kind(store, item, folder=folder, inside=())]
    return tuple(map(_make_file, found))


def _list(store: Store, *, own: Sequence[str]) -> Listing:
    folder = _resolve_folder(store.url)
    inside = _find_own(store.url, own)
    passed_over = Counter[str]() if folder is None else _count_unread(folder)
    unlisted: list[str] = []
    listed = list(store.list("", on_unlisted=unlisted.append))
    if folder is None:
        passed_over["unnameable_keys"] += len(unlisted)
        unlisted.clear()
    # A folder that cannot be opened says why when it is read: that is its dead letter.
    closed = [StoredObject(path=path, size_bytes=0, modified=0, tag="closed") for path in unlisted]
    files = []
    for item in (*listed, *closed):
        kind = _find_kind(store, item, folder=folder, inside=inside)
        if kind:
            passed_over[kind] += 1
        else:
            files.append(_make_file(item))
    return Listing(
        files=tuple(sorted(files, key=lambda file: file.path)),
        closed=tuple(sorted(unlisted)),
        passed_over=dict(sorted((+passed_over).items())),
    )


def _make_file(item: StoredObject) -> SourceFile:
    return SourceFile(path=item.path, size_bytes=item.size_bytes, modified=item.modified, tag=item.tag)


def _find_kind(store: Store, item: StoredObject, *, folder: Path | None, inside: Sequence[str]) -> str:
    """Return what an object is passed over as, or `""`."""
    if not item.path:
        return "folder_markers"
    if any(part.startswith(".") for part in item.path.split("/")):
        return "hidden"
    if any(f"{item.path}/".startswith(prefix) for prefix in inside):
        return "own_files"
    if folder is None:
        is_marker = not item.size_bytes and (
            item.path.endswith(_HADOOP_MARKER) or not store.exists(item.path)
        )
        return "folder_markers" if is_marker else ""
    file = folder / item.path
    if file.is_symlink() and inside:
        try:
            target = file.resolve(strict=True)
        except (OSError, RuntimeError):
            return ""  # leads nowhere: a dead letter
        if any(target.is_relative_to(folder / prefix) for prefix in inside):
            return "own_files"
    return ""


def _resolve_folder(url: str) -> Path | None:
    folder = find_folder(url)
    return None if folder is None else folder.resolve()


def _find_own(source: str, own: Sequence[str]) -> list[str]:
    """Return the paths, below the source, of the collection's own folders, each with a `/` at its end.

    Raises:
        SourceError: the source lies in one of them.
    """
    found = []
    base = _normalise(source)
    for url in own:
        other = _normalise(url)
        if base.startswith(other):
            detail = (
                f"it lies in {url}, where collections, their copies or logs are kept; name another folder"
            )
            raise SourceError(source=source, detail=detail)
        if other.startswith(base):
            found.append(other[len(base) :])
    return found


def _normalise(url: str) -> str:
    folder = _resolve_folder(url)
    return f"{url.rstrip('/')}/" if folder is None else f"{folder}/"


def _count_unread(folder: Path) -> Counter[str]:
    """Count what the store does not list: pipes, sockets and devices, and folders that are links."""
    counts: Counter[str] = Counter()
    waiting = [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue  # the store says what is wrong with it
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
                continue
            try:
                mode = entry.stat().st_mode
            except OSError:
                continue  # a link that leads nowhere, or to itself, is a dead letter
            if stat.S_ISDIR(mode):
                counts["linked_folders"] += 1
            elif not stat.S_ISREG(mode):
                counts["special_files"] += 1
    return counts
