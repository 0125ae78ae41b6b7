"""How files of questions become partitions, and the name of a run that answers them.

Partitions follow from the files alone, so the answers' files are the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from eagleray.contracts.hits import SearchOptions
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.search_options import show_options
from eagleray.digests import digest_json
from ray_jobs.plans.shards import SMALL_PARTS

MAX_ROWS: Final = 8_192
"""Questions of one partition at most: what is lost when a worker dies."""

_ALWAYS_SHOWN: Final = frozenset({"k", "mode", "granularity"})

MIN_ROWS: Final = 256
"""Below this, the overhead of a partition is more than its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionFile:
    """A Parquet file of questions.

    Attributes:
        path: relative to the source's root.
        sha256: of its bytes.
        group_rows: rows of each row group.
    """

    path: str
    size_bytes: int
    sha256: str
    group_rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPiece:
    """Rows `start` to `end` (exclusive) of a row group.

    Attributes:
        first_row: rows of the file before the group.
    """

    path: str
    size_bytes: int
    group: int
    start: int
    end: int
    first_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPartition:
    """What one task answers.

    Attributes:
        number: from 0.
        first: questions before it, over all files in the order of their paths.
        pieces: one after the other.
    """

    number: int
    first: int
    pieces: tuple[QuestionPiece, ...]

    @property
    def key(self) -> str:
        """Name of the partition within its run."""
        return f"{self.number:06d}"

    @property
    def n_rows(self) -> int:
        """Questions in it."""
        return sum(piece.end - piece.start for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """All that decides the answers beside the questions and the snapshot.

    Attributes:
        snapshot: as it was asked for: an alias, an id or the beginning of one.
        options: of the search of each question.
        groups: of the caller of the whole job.
    """

    collection: str
    snapshot: str
    options: SearchOptions
    groups: tuple[str, ...]
    embedder: EmbedderIdentity

    def show(self) -> dict[str, Any]:
        """Return the rules as JSON values, options by their names.

        Those of `_ALWAYS_SHOWN` stand always, others where they are not their defaults: a run keeps its id
        when there is another option.
        """
        shown, defaults = show_options(self.options), show_options(SearchOptions())
        if shown["ranking"]["min_relevance"] is None:
            del shown["ranking"]["min_relevance"], defaults["ranking"]["min_relevance"]
        options = {
            name: value for name, value in shown.items() if name in _ALWAYS_SHOWN or value != defaults[name]
        }
        return {
            "collection": self.collection,
            "snapshot": self.snapshot,
            "groups": list(self.groups),
            "embedder": asdict(self.embedder),
            **options,
        }


def plan_questions(
    files: Iterable[QuestionFile], *, max_rows: int = MAX_ROWS
) -> tuple[QuestionPartition, ...]:
    """Cut files into partitions of consecutive questions; all but the last are of equal length.

    Args:
        files: in any order; the plan does not depend on it.
        max_rows: questions of one partition at most. A small input is cut finer, so that it, too, is work for
            many workers.
    """
    ordered = sorted(files, key=lambda file: file.path)
    total = sum(sum(file.group_rows) for file in ordered)
    length = min(max_rows, max(MIN_ROWS, -(-total // SMALL_PARTS)))
    partitions: list[QuestionPartition] = []
    gathered: list[QuestionPiece] = []
    first = n_gathered = 0
    for piece in _list_groups(ordered):
        start = piece.start
        while start < piece.end:
            end = min(piece.end, start + length - n_gathered)
            gathered.append(_cut(piece, start, end))
            n_gathered += end - start
            start = end
            if n_gathered == length:
                partitions.append(_gather(partitions, first, gathered))
                first, n_gathered, gathered = first + length, 0, []
    if gathered:
        partitions.append(_gather(partitions, first, gathered))
    return tuple(partitions)


def name_run(files: Iterable[QuestionFile], rules: AnswerRules) -> str:
    """Return the run's id: the digest of what is asked, so that a relaunch finds its own ledger."""
    asked = [[file.path, file.sha256] for file in sorted(files, key=lambda file: file.path)]
    return digest_json({"questions": asked, "rules": rules.show()})[:16]


def _list_groups(files: Iterable[QuestionFile]) -> Iterator[QuestionPiece]:
    for file in files:
        before = 0
        for group, n_rows in enumerate(file.group_rows):
            yield QuestionPiece(
                path=file.path, size_bytes=file.size_bytes, group=group, start=0, end=n_rows, first_row=before
            )
            before += n_rows


def _cut(piece: QuestionPiece, start: int, end: int) -> QuestionPiece:
    return QuestionPiece(
        path=piece.path,
        size_bytes=piece.size_bytes,
        group=piece.group,
        start=start,
        end=end,
        first_row=piece.first_row,
    )


def _gather(before: list[QuestionPartition], first: int, pieces: list[QuestionPiece]) -> QuestionPartition:
    return QuestionPartition(number=len(before), first=first, pieces=tuple(pieces))
