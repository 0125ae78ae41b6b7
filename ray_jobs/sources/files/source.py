"""Files in a folder or below an object-store prefix as a source: how they are planned, cut and read."""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.ports import Store
from eagleray.contracts.sources import (
    Position,
    RawRecord,
    SidecarFile,
    SourcePlan,
    SourceRequest,
    Split,
)
from eagleray.digests import digest_json
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.records import InputFile
from eagleray.documents.sidecar import check_files, read_sidecar
from eagleray.errors import ObjectNotFoundError, StoreError
from eagleray.settings import Settings
from ray_jobs.plans.shards import choose_length
from ray_jobs.sources.files.listing import (
    Listing,
    SourceFile,
    check_folder,
    list_files,
    name_files,
    open_files,
)
from ray_jobs.sources.parsers import open_parsers

MAX_PIECES: Final = 64
"""Files of one split at most: few bytes can be much work, as PDF shows."""

_BY_LINES: Final = frozenset({".jsonl", ".ndjson"})

_OF_FILE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO}
)
"""Failures of one file while the others can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes `start` to `end` of a file; whole files have `start` 0 and `end` their size.

    Attributes:
        row: column -> text of the sidecar's row of the file.
    """

    file: SourceFile
    start: int
    end: int
    row: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSplit(Split):
    """A range of one file, or some small files."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan(SourcePlan[FileSplit]):
    """What is to be read of files.

    Attributes:
        marks: path -> mark of every file there is now, and of those that cannot be looked at now.
    """

    marks: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """How files are cut and parsed.

    Attributes:
        parsers: read the files.
        mapping_digest: of what makes documents of their records.
        partition_bytes: input of one split at most, where a file can be cut.
        max_record_bytes: a longer line, or file that is one document, becomes a dead letter.
        own: URLs and folders that are never part of a source.
        sidecar: table with values of the files.
    """

    parsers: ParserPool
    mapping_digest: str
    partition_bytes: int
    max_record_bytes: int
    own: tuple[str, ...] = ()
    sidecar: SidecarFile | None = None


class FileSource:
    """Documents in files; each file is a part, and its mark changes with its content or the mapping."""

    is_stream = False

    def __init__(self, store: Store, reading: FileReading, *, name: str) -> None:
        self.name = name
        self._store = store
        self._reading = reading

    @property
    def uri(self) -> str:
        """URL of the store that the files lie in."""
        return self._store.url

    def plan(self, position: Position) -> FilePlan:
        """Return which files are to be read, in splits.

        Raises:
            SourceError: there is no file or none that can be read, or it lies in the collection's own store.
            MappingError: the sidecar cannot be read, or has a row of a file that is not there.
        """
        reading = self._reading
        listing = list_files(self._store, own=reading.own)
        return plan_files(
            listing,
            position,
            mapping_digest=reading.mapping_digest,
            partition_bytes=reading.partition_bytes,
            rows=_find_rows(reading.sidecar, listing),
        )

    def read(self, split: FileSplit) -> Generator[RawRecord | DeadLetter, None, None]:
        """Yield the records of a split's pieces, one after the other."""
        for piece in split.pieces:
            yield from self._read_piece(piece)

    def position_after(self, plan: FilePlan) -> Position:
        """Return the marks of all files."""
        return plan.marks

    def _read_piece(self, piece: Piece) -> Generator[RawRecord | DeadLetter, None, None]:
        path, size = piece.file.path, piece.file.size_bytes
        file = InputFile(source=f"{self.name}/{path}", modified=piece.file.modified)
        records = self._reading.parsers.parse_partition(
            lambda start, end: self._store.read_range(path, start, end),
            file,
            start=piece.start,
            end=piece.end,
            size=size,
            max_record_bytes=self._reading.max_record_bytes,
        )
        try:
            if not size:
                self._store.read_range(path, 0, 0)  # no parser opens a file of no bytes
            if not piece.row:
                yield from records
            for item in records:  # none is left where there is no row
                yield replace(item, sidecar=piece.row) if isinstance(item, RawRecord) else item
        except StoreError as error:
            if not is_of_file(error):
                raise
            is_gone = isinstance(error, ObjectNotFoundError)
            detail = "the file vanished, or is a link to nothing" if is_gone else str(error.__cause__)
            yield file.reject(DeadLetterReason.UNREADABLE_FILE, f"{detail}; put it right and retry")


def is_of_file(error: StoreError) -> bool:
    """Return whether one file of the source cannot be read, as opposed to the source itself."""
    if isinstance(error, ObjectNotFoundError):
        return True
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _OF_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSourceFactory:
    """Opens the source of a request."""

    request: SourceRequest

    def __call__(self, settings: Settings) -> FileSource:
        """Return the source, its parsers opened.

        Raises:
            InputError: the URI is that of no store.
        """
        request = self.request
        reading = FileReading(
            parsers=open_parsers(settings.parsing),
            mapping_digest=request.mapping_digest,
            partition_bytes=settings.jobs.partition_bytes,
            max_record_bytes=settings.jobs.max_record_bytes,
            own=request.own,
            sidecar=request.sidecar,
        )
        return FileSource(open_files(request.uri, s3=settings.s3), reading, name=request.name)


def make_file_factory(request: SourceRequest) -> FileSourceFactory:
    """Return what opens files; they are filed under the last part of their URI where the request names none.

    Raises:
        SourceError: the folder is not there, is no folder or may not be opened.
    """
    name = request.name or name_files(request.uri)
    return FileSourceFactory(request=replace(request, uri=check_folder(request.uri), name=name))


def _find_rows(sidecar: SidecarFile | None, listing: Listing) -> dict[str, Mapping[str, str]]:
    """Return file -> values of its row, where it has any.

    Raises:
        MappingError: the table cannot be read, or has a row of a file that is not there.
    """
    if sidecar is None:
        return {}
    rows = read_sidecar(sidecar)
    below = tuple(f"{folder}/" for folder in listing.closed)
    seen = [row for row in rows.values() if not row.file.startswith(below)]
    check_files(sidecar, seen, [file.path for file in listing.files])
    return {row.file: row.values for row in rows.values() if row.values}


def plan_files(
    listing: Listing,
    position: Position,
    *,
    mapping_digest: str,
    partition_bytes: int,
    rows: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> FilePlan:
    """Return what is to be read: files that are new, changed, or were read by another mapping or row.

    Args:
        listing: the files now.
        position: path -> mark of the files that were read before.
        mapping_digest: of what makes documents of their records.
        partition_bytes: length of a split at most.
        rows: path -> values that the sidecar has for the file.
    """
    files = tuple(sorted(listing.files, key=lambda file: file.path))
    below = tuple(f"{folder}/" for folder in listing.closed)
    marks = {path: mark for path, mark in position.items() if path.startswith(below)}
    marks |= {file.path: mark_file(file, mapping_digest, row=rows.get(file.path)) for file in files}
    changed = tuple(file for file in files if position.get(file.path) != marks[file.path])
    return FilePlan(
        splits=cut_files(changed, partition_bytes=partition_bytes, rows=rows),
        size_bytes=sum(file.size_bytes for file in changed),
        identity=identify_files(files, read=changed) | _identify_rows(rows, changed),
        whole=frozenset(file.path for file in changed),
        gone=frozenset(position) - marks.keys(),
        unchanged=frozenset(
            file.path for file in changed if position.get(file.path, "").startswith(f"{file.tag}+")
        ),
        unopened=listing.closed,
        passed_over=listing.passed_over,
        marks=marks,
    )


def mark_file(file: SourceFile, mapping_digest: str, *, row: Mapping[str, str] | None = None) -> str:
    """Return what changes whenever the documents of a file may have changed."""
    digest = digest_json([mapping_digest, dict(row)]) if row else mapping_digest
    return f"{file.tag}+{digest[:16]}"


def _identify_rows(rows: Mapping[str, Mapping[str, str]], read: Iterable[SourceFile]) -> dict[str, object]:
    """Return what tells the rows of the files that are read from others; nothing where there are none."""
    found = {file.path: dict(rows[file.path]) for file in read if file.path in rows}
    return {"sidecar": digest_json(found)} if found else {}


def identify_files(files: Iterable[SourceFile], *, read: Iterable[SourceFile]) -> dict[str, object]:
    """Return what tells files, and which of them are read, from all others."""
    return {
        "files": [[file.path, file.size_bytes, file.tag] for file in files],
        "reread": [file.path for file in read],
    }


def cut_files(
    files: Iterable[SourceFile],
    *,
    partition_bytes: int,
    rows: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> tuple[FileSplit, ...]:
    """Cut line-based files into byte ranges, leave other formats whole, and gather small pieces.

    Args:
        files: in any order; the splits do not depend on it.
        partition_bytes: length of a range at most; a line belongs to the range it begins in. A
            small input is cut finer, so that it, too, is work for many workers.
        rows: path -> values that the sidecar has for the file.
    """
    ordered = sorted(files, key=lambda item: item.path)
    length = choose_length(sum(file.size_bytes for file in ordered), most=partition_bytes)
    splits: list[FileSplit] = []
    gathered: list[Piece] = []
    n_bytes = 0
    for piece in (piece for file in ordered for piece in _cut(file, length, row=rows.get(file.path, {}))):
        size = piece.end - piece.start
        if gathered and (n_bytes + size > length or len(gathered) == MAX_PIECES):
            splits.append(_gather(gathered))
            gathered, n_bytes = [], 0
        gathered.append(piece)
        n_bytes += size
    if gathered:
        splits.append(_gather(gathered))
    return tuple(splits)


def _gather(pieces: Iterable[Piece]) -> FileSplit:
    found = tuple(pieces)
    size = sum(piece.end - piece.start for piece in found)
    return FileSplit(key=f"{found[0].file.path}@{found[0].start}", size_bytes=size, pieces=found)


def _cut(file: SourceFile, length: int, *, row: Mapping[str, str]) -> list[Piece]:
    if PurePosixPath(file.path).suffix.lower() not in _BY_LINES or file.size_bytes <= length:
        return [Piece(file=file, start=0, end=file.size_bytes, row=row)]
    return [
        Piece(file=file, start=start, end=min(start + length, file.size_bytes), row=row)
        for start in range(0, file.size_bytes, length)
    ]
