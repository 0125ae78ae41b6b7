"""How a source's files become partitions: pieces of input one ingest task reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

_BY_LINES = frozenset({".jsonl", ".ndjson"})


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
class Partition:
    """Bytes `start` to `end` of a file; whole files have `start` 0 and `end` their size."""

    file: SourceFile
    start: int
    end: int

    @property
    def key(self) -> str:
        """Name of the partition within its run."""
        return f"{self.file.path}@{self.start}"


def plan_partitions(files: Iterable[SourceFile], *, partition_bytes: int) -> tuple[Partition, ...]:
    """Cut line-based files into byte ranges and leave other formats whole.

    Args:
        files: in any order; the plan does not depend on it.
        partition_bytes: length of a range; a line belongs to the range it begins in.
    """
    partitions = []
    for file in sorted(files, key=lambda item: item.path):
        if PurePosixPath(file.path).suffix.lower() in _BY_LINES and file.size_bytes > partition_bytes:
            partitions += [
                Partition(file=file, start=start, end=min(start + partition_bytes, file.size_bytes))
                for start in range(0, file.size_bytes, partition_bytes)
            ]
        else:
            partitions.append(Partition(file=file, start=0, end=file.size_bytes))
    return tuple(partitions)


def count_shards(files: Iterable[SourceFile], *, shard_bytes: int) -> int:
    """Return how many shards the documents of these files are spread over, by their ids.

    It depends on the input's size alone, never on the cluster, because a vector's bits depend on
    the shard it is embedded in.
    """
    return max(1, -(-sum(file.size_bytes for file in files) // shard_bytes))
