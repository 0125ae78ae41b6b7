from __future__ import annotations

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
from ray_jobs.plans.segments import EmbeddedShard, plan_segments


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


def test_segments_hold_one_zone_and_stay_below_the_limit_without_cutting_a_shard():
    shards = [
        EmbeddedShard(shard=2, chunks="c2", vectors="v2", rows_by_zone={"x": 6}),
        EmbeddedShard(shard=0, chunks="c0", vectors="v0", rows_by_zone={"x": 4, "y": 1}),
        EmbeddedShard(shard=1, chunks="c1", vectors="v1", rows_by_zone={"x": 5}),
    ]
    plans = plan_segments(shards, max_rows=10)
    assert [(plan.zone, [part.shard for part in plan.parts]) for plan in plans] == [
        ("x", [0, 1]),
        ("x", [2]),
        ("y", [0]),
    ]
