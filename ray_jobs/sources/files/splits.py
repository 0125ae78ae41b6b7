"""How files become splits, and how a position tells those that changed: pure functions over a listing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from eagleray.contracts.sources import Position, SourcePlan, Split
from ray_jobs.plans.shards import choose_length

MAX_PIECES: Final = 64
"""Files of one split at most: few bytes can be much work, as PDF shows."""

_BY_LINES: Final = frozenset({".jsonl", ".ndjson"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes `start` to `end` of a file; whole files have `start` 0 and `end` their size."""

    file: SourceFile
    start: int
    end: int


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


def plan_files(
    listing: Listing, position: Position, *, mapping_digest: str, partition_bytes: int
) -> FilePlan:
    """Return what is to be read: files that are new, changed, or were read by another mapping.

    Args:
        listing: the files now.
        position: path -> mark of the files that were read before.
        mapping_digest: of what makes documents of their records.
        partition_bytes: length of a split at most.
    """
    files = tuple(sorted(listing.files, key=lambda file: file.path))
    below = tuple(f"{folder}/" for folder in listing.closed)
    marks = {path: mark for path, mark in position.items() if path.startswith(below)}
    marks |= {file.path: mark_file(file, mapping_digest) for file in files}
    changed = tuple(file for file in files if position.get(file.path) != marks[file.path])
    return FilePlan(
        splits=cut_files(changed, partition_bytes=partition_bytes),
        size_bytes=sum(file.size_bytes for file in changed),
        identity=identify_files(files, read=changed),
        whole=frozenset(file.path for file in changed),
        gone=frozenset(position) - marks.keys(),
        unopened=listing.closed,
        passed_over=listing.passed_over,
        marks=marks,
    )


def mark_file(file: SourceFile, mapping_digest: str) -> str:
    """Return what changes whenever the documents of a file may have changed."""
    return f"{file.tag}+{mapping_digest[:16]}"


def identify_files(files: Iterable[SourceFile], *, read: Iterable[SourceFile]) -> dict[str, object]:
    """Return what tells files, and which of them are read, from all others."""
    return {
        "files": [[file.path, file.size_bytes, file.tag] for file in files],
        "reread": [file.path for file in read],
    }


def cut_files(files: Iterable[SourceFile], *, partition_bytes: int) -> tuple[FileSplit, ...]:
    """Cut line-based files into byte ranges, leave other formats whole, and gather small pieces.

    Args:
        files: in any order; the splits do not depend on it.
        partition_bytes: length of a range at most; a line belongs to the range it begins in. A
            small input is cut finer, so that it, too, is work for many workers.
    """
    ordered = sorted(files, key=lambda item: item.path)
    length = choose_length(sum(file.size_bytes for file in ordered), most=partition_bytes)
    splits: list[FileSplit] = []
    gathered: list[Piece] = []
    n_bytes = 0
    for piece in (piece for file in ordered for piece in _cut(file, length)):
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


def _cut(file: SourceFile, length: int) -> list[Piece]:
    if PurePosixPath(file.path).suffix.lower() not in _BY_LINES or file.size_bytes <= length:
        return [Piece(file=file, start=0, end=file.size_bytes)]
    return [
        Piece(file=file, start=start, end=min(start + length, file.size_bytes))
        for start in range(0, file.size_bytes, length)
    ]
