"""Which chunk files become which segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COPIES: Final = 4
"""Copies of a segment's rows, without vectors, that exist at once while it is built."""

ROW_BYTES: Final = 420
"""What a row takes beside them, bytes: its postings while they are sorted, then its code and number in an
inverted list, which exist four times while they are laid out and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedShard:
    """A chunk file with its vector file.

    Attributes:
        shard: number of the shard.
        chunks: digest that names the chunk file.
        vectors: digest that names the vector file.
        rows_by_zone: zone -> rows.
        bytes_by_zone: zone -> bytes of these rows in memory, without vectors.
    """

    shard: int
    chunks: str
    vectors: str
    rows_by_zone: dict[str, int]
    bytes_by_zone: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """One segment: the rows of a zone in these files."""

    zone: str
    parts: tuple[EmbeddedShard, ...]

    @property
    def n_rows(self) -> int:
        """Rows of the segment."""
        return sum(part.rows_by_zone[self.zone] for part in self.parts)

    @property
    def key(self) -> str:
        """Name of the segment's task within its run."""
        return f"{self.zone}-{self.parts[0].shard:06d}"


def estimate_memory(n_rows: int, n_bytes: int) -> int:
    """Return the bytes of memory it takes to build a segment of rows that take `n_bytes` themselves.

    `benchmarks.memory` shows whether it holds.
    """
    return COPIES * n_bytes + ROW_BYTES * n_rows


def plan_segments(
    shards: Sequence[EmbeddedShard], *, max_rows: int, max_memory_bytes: int
) -> tuple[SegmentPlan, ...]:
    """Group shards, zone by zone and in order, into segments.

    A shard is never cut, so a segment passes a limit only where one shard alone does.

    Args:
        shards: in any order; the plan does not depend on it.
        max_rows: rows of one segment at most.
        max_memory_bytes: memory that building one segment may take.
    """
    plans = []
    ordered = sorted(shards, key=lambda item: item.shard)
    for zone in sorted({zone for shard in ordered for zone in shard.rows_by_zone}):
        group: list[EmbeddedShard] = []
        n_rows = n_bytes = 0
        for shard in (shard for shard in ordered if shard.rows_by_zone.get(zone)):
            n_rows += shard.rows_by_zone[zone]
            n_bytes += shard.bytes_by_zone[zone]
            if group and (n_rows > max_rows or estimate_memory(n_rows, n_bytes) > max_memory_bytes):
                plans.append(SegmentPlan(zone=zone, parts=tuple(group)))
                group, n_rows, n_bytes = [], shard.rows_by_zone[zone], shard.bytes_by_zone[zone]
            group.append(shard)
        plans.append(SegmentPlan(zone=zone, parts=tuple(group)))
    return tuple(plans)
