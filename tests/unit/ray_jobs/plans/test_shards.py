from __future__ import annotations

import pytest

from ray_jobs.plans.segments import EmbeddedShard, estimate_memory, plan_segments
from ray_jobs.plans.shards import MAX_HELD_ROWS, MIN_BYTES, SMALL_PARTS, count_shards


def test_a_small_input_is_spread_over_many_shards_and_a_large_one_by_its_bytes():
    assert count_shards(SMALL_PARTS * MIN_BYTES * 2, shard_bytes=1 << 30) == SMALL_PARTS
    assert count_shards(100 << 20, shard_bytes=1 << 20) == 100


def test_the_number_of_shards_follows_from_the_bytes_and_the_rows_held():
    assert count_shards(0, shard_bytes=100) == 1
    assert count_shards(120, shard_bytes=100) == 2
    assert count_shards(60, shard_bytes=100, n_held=7 * MAX_HELD_ROWS) == 7


def make_shard(number, **rows_by_zone):
    """A shard whose rows take 100 bytes each."""
    n_bytes = {zone: 100 * n_rows for zone, n_rows in rows_by_zone.items()}
    return EmbeddedShard(
        shard=number, chunks="c", vectors="v", rows_by_zone=rows_by_zone, bytes_by_zone=n_bytes
    )


SHARDS = [make_shard(2, x=6), make_shard(0, x=4, y=1), make_shard(1, x=5)]


@pytest.mark.parametrize(
    ("max_rows", "max_memory_bytes", "expected"),
    [
        (10, 1 << 30, [("x", [0, 1]), ("x", [2]), ("y", [0])]),
        (1000, estimate_memory(10, 1000), [("x", [0, 1]), ("x", [2]), ("y", [0])]),
        (1000, estimate_memory(11, 1100), [("x", [0, 1]), ("x", [2]), ("y", [0])]),
        (1000, estimate_memory(15, 1500), [("x", [0, 1, 2]), ("y", [0])]),
        (1, 1, [("x", [0]), ("x", [1]), ("x", [2]), ("y", [0])]),
    ],
)
def test_segments_hold_one_zone_and_stay_below_both_limits_without_cutting_a_shard(
    max_rows, max_memory_bytes, expected
):
    plans = plan_segments(SHARDS, max_rows=max_rows, max_memory_bytes=max_memory_bytes)
    assert [(plan.zone, [part.shard for part in plan.parts]) for plan in plans] == expected
