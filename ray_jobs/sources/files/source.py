"""Files in a folder or below an object-store prefix as a source."""

from __future__ import annotations

import errno
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.ports import Store
from eagleray.contracts.sources import Position, RawRecord, SourceRequest
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.records import InputFile
from eagleray.errors import ObjectNotFoundError, StoreError
from eagleray.settings import Settings
from ray_jobs.sources.files.listing import check_folder, list_files, name_files, open_files
from ray_jobs.sources.files.splits import FilePlan, FileSplit, Piece, plan_files
from ray_jobs.sources.parsers import open_parsers

_OF_FILE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO}
)
"""Failures of one file while the others can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """How files are cut and parsed.

    Attributes:
        parsers: read the files.
        mapping_digest: of what makes documents of their records.
        partition_bytes: input of one split at most, where a file can be cut.
        max_record_bytes: a longer line, or file that is one document, becomes a dead letter.
        own: URLs and folders that are never part of a source.
    """

    parsers: ParserPool
    mapping_digest: str
    partition_bytes: int
    max_record_bytes: int
    own: tuple[str, ...] = ()


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
        """
        reading = self._reading
        return plan_files(
            list_files(self._store, own=reading.own),
            position,
            mapping_digest=reading.mapping_digest,
            partition_bytes=reading.partition_bytes,
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
            yield from records
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
        )
        return FileSource(open_files(request.uri, s3=settings.s3), reading, name=request.name)


def make_file_factory(request: SourceRequest) -> FileSourceFactory:
    """Return what opens files; they are filed under the last part of their URI where the request names none.

    Raises:
        SourceError: the folder is not there, is no folder or may not be opened.
    """
    name = request.name or name_files(request.uri)
    return FileSourceFactory(request=replace(request, uri=check_folder(request.uri), name=name))
