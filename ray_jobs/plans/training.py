"""Which zones get inverted lists in a run, how many, and which rows they are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.indexes import IndexKind
from ray_jobs.plans.segments import EmbeddedShard, SegmentPlan

ROWS_PER_LIST: Final = 64
"""Rows a list is trained on. Source: FAISS warns below 39 and takes no more than 256."""

_MIN_LISTS: Final = 16
_SCALE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRules:
    """What decides inverted lists; `IndexSettings` says what each is."""

    kind: IndexKind
    min_rows: int
    n_lists: int
    balance: float
    max_drift: float
    device: str = "cpu"

    def covers(self, n_rows: int) -> bool:
        """Return whether a segment of so many rows has lists."""
        return self.kind is not IndexKind.FLAT and n_rows >= self.min_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How the codebook of a zone is trained.

    Attributes:
        shards: whose rows are sampled: all of the zone's.
        n_lists: inverted lists.
        rate: rows sampled of each 2^20, told by their chunk_id.
    """

    zone: str
    shards: tuple[EmbeddedShard, ...]
    n_lists: int
    rate: int


def plan_training(segments: Sequence[SegmentPlan], rules: IndexRules) -> tuple[TrainingPlan, ...]:
    """Return a plan for each zone with a segment that has lists, in the zones' order."""
    plans = []
    for zone in sorted({segment.zone for segment in segments}):
        mine = [segment for segment in segments if segment.zone == zone]
        largest = max(segment.n_rows for segment in mine)
        if not rules.covers(largest):
            continue
        n_lists = rules.n_lists or _count_lists(largest)
        n_rows = sum(segment.n_rows for segment in mine)
        rate = min(_SCALE, -(-_SCALE * n_lists * ROWS_PER_LIST // n_rows))
        shards = tuple(shard for segment in mine for shard in segment.parts)
        plans.append(TrainingPlan(zone=zone, shards=shards, n_lists=n_lists, rate=rate))
    return tuple(plans)


def is_sampled(chunk_id: int, *, rate: int) -> bool:
    """Return whether a row is one that codebooks are trained on; chunk ids are digests."""
    return chunk_id % _SCALE < rate


def _count_lists(n_rows: int) -> int:
    """Return the power of two nearest to the root of the rows."""
    return int(max(_MIN_LISTS, 2 ** round(0.5 * (n_rows).bit_length() - 0.25)))
