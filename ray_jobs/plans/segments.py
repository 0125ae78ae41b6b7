"""Which chunk files become which segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedShard:
    """A chunk file with its vector file.

    Attributes:
        shard: number of the shard.
        chunks: digest that names the chunk file.
        vectors: digest that names the vector file.
        rows_by_zone: zone -> rows.
    """

    shard: int
    chunks: str
    vectors: str
    rows_by_zone: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """One segment: the rows of a zone in these files."""

    zone: str
    parts: tuple[EmbeddedShard, ...]

    @property
    def key(self) -> str:
        """Name of the segment's task within its run."""
        return f"{self.zone}-{self.parts[0].shard:06d}"


def plan_segments(shards: Sequence[EmbeddedShard], *, max_rows: int) -> tuple[SegmentPlan, ...]:
    """Group shards, zone by zone and in order, into segments of at most `max_rows` rows.

    A shard is never cut, so a segment passes `max_rows` only where one shard alone does.
    """
    plans = []
    ordered = sorted(shards, key=lambda item: item.shard)
    for zone in sorted({zone for shard in ordered for zone in shard.rows_by_zone}):
        group: list[EmbeddedShard] = []
        n_rows = 0
        for shard in ordered:
            added = shard.rows_by_zone.get(zone, 0)
            if not added:
                continue
            if group and n_rows + added > max_rows:
                plans.append(SegmentPlan(zone=zone, parts=tuple(group)))
                group, n_rows = [], 0
            group.append(shard)
            n_rows += added
        plans.append(SegmentPlan(zone=zone, parts=tuple(group)))
    return tuple(plans)
