from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_jobs.plans.partitions import (
    MAX_HELD_ROWS,
    MAX_PIECES,
    MIN_BYTES,
    SMALL_PARTS,
    SourceFile,
    count_shards,
    plan_partitions,
)
from ray_jobs.plans.segments import EmbeddedShard, estimate_memory, plan_segments


def make_file(path, size):
    return SourceFile(path=path, size_bytes=size, modified=0, tag="t")


def list_pieces(part):
    return [(piece.file.path, piece.start, piece.end) for piece in part.pieces]


def test_the_ranges_of_a_line_file_cover_it_once_and_other_formats_stay_whole():
    size = 5 * MIN_BYTES // 2
    files = [make_file("a.jsonl", size), make_file("b.pdf", size)]
    assert [list_pieces(part) for part in plan_partitions(files, partition_bytes=MIN_BYTES)] == [
        [("a.jsonl", 0, MIN_BYTES)],
        [("a.jsonl", MIN_BYTES, 2 * MIN_BYTES)],
        [("a.jsonl", 2 * MIN_BYTES, size)],
        [("b.pdf", 0, size)],
    ]


def test_small_files_share_a_partition_within_its_length_and_number():
    tiny = [make_file(f"{number:03d}.txt", 1) for number in range(MAX_PIECES + 1)]
    assert [len(part.pieces) for part in plan_partitions(tiny, partition_bytes=1 << 20)] == [MAX_PIECES, 1]
    half = [make_file(f"{number}.txt", MIN_BYTES // 2) for number in range(3)]
    assert [len(part.pieces) for part in plan_partitions(half, partition_bytes=MIN_BYTES)] == [2, 1]


def test_a_small_input_is_work_for_many_workers_and_a_large_one_keeps_its_length():
    small = [make_file("a.jsonl", SMALL_PARTS * MIN_BYTES * 2)]
    assert len(plan_partitions(small, partition_bytes=1 << 30)) == SMALL_PARTS
    assert count_shards(small, shard_bytes=1 << 30) == SMALL_PARTS
    large = [make_file("a.jsonl", 100 << 20)]
    assert len(plan_partitions(large, partition_bytes=1 << 20)) == 100
    assert count_shards(large, shard_bytes=1 << 20) == 100


@given(
    sizes=st.lists(st.integers(0, 5 * MIN_BYTES), max_size=12),
    partition_bytes=st.integers(1 << 10, 4 * MIN_BYTES),
    seed=st.randoms(use_true_random=False),
)
def test_every_byte_is_read_once_whatever_the_order_of_files(sizes, partition_bytes, seed):
    files = [
        make_file(f"{number:02d}.{'jsonl' if number % 2 else 'pdf'}", size)
        for number, size in enumerate(sizes)
    ]
    shuffled = seed.sample(files, len(files))
    parts = plan_partitions(shuffled, partition_bytes=partition_bytes)
    assert parts == plan_partitions(files, partition_bytes=partition_bytes)
    assert len({part.key for part in parts}) == len(parts)
    pieces = [piece for part in parts for piece in part.pieces]
    for file in files:
        mine = [(piece.start, piece.end) for piece in pieces if piece.file == file]
        assert [start for start, _ in mine] == [0, *(end for _, end in mine[:-1])]
        assert mine[-1][1] == file.size_bytes


def test_the_number_of_shards_follows_from_the_bytes_and_the_rows_held():
    assert count_shards([], shard_bytes=100) == 1
    assert count_shards([make_file("a", 60), make_file("b", 60)], shard_bytes=100) == 2
    assert count_shards([make_file("a", 60)], shard_bytes=100, n_held=7 * MAX_HELD_ROWS) == 7


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
