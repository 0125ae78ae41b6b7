from __future__ import annotations

import random

from ray_jobs.plans.partitions import SourceFile, count_shards, plan_partitions
from ray_jobs.plans.segments import EmbeddedShard, plan_segments


def make_file(path, size):
    return SourceFile(path=path, size_bytes=size, modified=0, tag="t")


def test_the_ranges_of_a_line_file_cover_it_once_and_other_formats_stay_whole():
    parts = plan_partitions([make_file("a.jsonl", 2500), make_file("b.pdf", 2500)], partition_bytes=1000)
    assert [(part.file.path, part.start, part.end) for part in parts] == [
        ("a.jsonl", 0, 1000),
        ("a.jsonl", 1000, 2000),
        ("a.jsonl", 2000, 2500),
        ("b.pdf", 0, 2500),
    ]


def test_the_order_of_files_does_not_change_the_plan():
    files = [make_file(f"{number}.jsonl", 10 * number + 1) for number in range(20)]
    shuffled = random.Random(3).sample(files, len(files))  # noqa: S311 - a test's shuffle
    assert plan_partitions(files, partition_bytes=50) == plan_partitions(shuffled, partition_bytes=50)


def test_the_number_of_shards_follows_from_the_bytes_alone():
    assert count_shards([make_file("a", 0)], shard_bytes=100) == 1
    assert count_shards([make_file("a", 60), make_file("b", 60)], shard_bytes=100) == 2


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
