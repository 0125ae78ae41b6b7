"""How a source's files become partitions: pieces of input one ingest task reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

SMALL_PARTS: Final = 16
"""Parts a small input is cut into."""

MIN_BYTES: Final = 32 << 10
"""Below this, the overhead of a part is more than its work."""

MAX_PIECES: Final = 64
"""Files of one partition at most: few bytes can be much work, as PDF shows."""

MAX_HELD_ROWS: Final = 100_000
"""Rows of the parent snapshot one shard is compared with, on average."""

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
class Piece:
    """Bytes `start` to `end` of a file; whole files have `start` 0 and `end` their size."""

    file: SourceFile
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """What one ingest task reads: a range of one file, or some small files."""

    pieces: tuple[Piece, ...]

    @property
    def key(self) -> str:
        """Name of the partition within its run."""
        return f"{self.pieces[0].file.path}@{self.pieces[0].start}"


def plan_partitions(files: Iterable[SourceFile], *, partition_bytes: int) -> tuple[Partition, ...]:
    """Cut line-based files into byte ranges, leave other formats whole, and gather small pieces.

    Args:
        files: in any order; the plan does not depend on it.
        partition_bytes: length of a range at most; a line belongs to the range it begins in. A
            small input is cut finer, so that it, too, is work for many workers.
    """
    ordered = sorted(files, key=lambda item: item.path)
    length = _fit(ordered, most=partition_bytes)
    partitions: list[Partition] = []
    gathered: list[Piece] = []
    for piece in (piece for file in ordered for piece in _cut(file, length)):
        is_full = sum(item.end - item.start for item in gathered) + piece.end - piece.start > length
        if gathered and (is_full or len(gathered) == MAX_PIECES):
            partitions.append(Partition(pieces=tuple(gathered)))
            gathered = []
        gathered.append(piece)
    if gathered:
        partitions.append(Partition(pieces=tuple(gathered)))
    return tuple(partitions)


def count_shards(files: Iterable[SourceFile], *, shard_bytes: int, n_held: int = 0) -> int:
    """Return how many shards the documents of these files are spread over, by their ids.

    It depends on the input and the parent snapshot alone, never on the cluster, because a
    vector's bits depend on the shard it is embedded in.

    Args:
        files: what is read.
        shard_bytes: input behind one shard at most; a small input is spread finer.
        n_held: rows of the parent snapshot, which are compared shard by shard.
    """
    found = list(files)
    by_bytes = -(-sum(file.size_bytes for file in found) // _fit(found, most=shard_bytes))
    return max(1, by_bytes, -(-n_held // MAX_HELD_ROWS))


def _fit(files: Iterable[SourceFile], *, most: int) -> int:
    """Return the length that gives a small input `SMALL_PARTS` parts, within its bounds."""
    total = sum(file.size_bytes for file in files)
    return min(most, max(MIN_BYTES, -(-total // SMALL_PARTS)))


def _cut(file: SourceFile, length: int) -> list[Piece]:
    if PurePosixPath(file.path).suffix.lower() not in _BY_LINES or file.size_bytes <= length:
        return [Piece(file=file, start=0, end=file.size_bytes)]
    return [
        Piece(file=file, start=start, end=min(start + length, file.size_bytes))
        for start in range(0, file.size_bytes, length)
    ]
