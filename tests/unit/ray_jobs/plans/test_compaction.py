from __future__ import annotations

from eagleray.contracts.manifests import FileEntry, SegmentManifest
from ray_jobs.compaction import replace_segments
from ray_jobs.plans.compaction import plan_compaction
from tests.small_collections import EMBEDDER


def segment(name, first, n_rows, *, zone="tokyo", size_bytes=1_000):
    manifest = SegmentManifest(
        zone=zone,
        n_rows=n_rows,
        embedder=EMBEDDER,
        groups=("public",),
        attributes={},
        first_known=first,
        last_known=first + 5,
        files={"rows.arrow": FileEntry(sha256="0" * 64, size_bytes=size_bytes)},
    )
    return name, manifest


def plan(segments, *, max_rows=100, max_memory_bytes=1 << 30):
    return [
        item.digests
        for item in plan_compaction(segments, max_rows=max_rows, max_memory_bytes=max_memory_bytes)
    ]


def test_neighbours_in_time_become_one_as_long_as_they_fit():
    segments = [segment("c", 30, 40), segment("a", 10, 30), segment("d", 40, 90), segment("b", 20, 30)]
    assert plan(segments) == [("a", "b", "c")]


def test_zones_stay_apart_and_a_segment_alone_is_left_as_it_is():
    segments = [segment("a", 1, 10), segment("b", 2, 10, zone="london"), segment("c", 3, 10)]
    assert plan(segments) == [("a", "c")]


def test_memory_bounds_a_group_too():
    segments = [segment(name, place, 10, size_bytes=1 << 20) for place, name in enumerate("abcd")]
    assert plan(segments, max_memory_bytes=9 << 20) == [("a", "b"), ("c", "d")]


def test_what_is_large_already_is_not_touched():
    assert plan([segment("a", 1, 100), segment("b", 2, 100)]) == []


def test_a_new_segment_stands_where_the_first_of_its_parts_stood():
    plans = plan_compaction(
        [segment("a", 1, 10), segment("b", 2, 200), segment("c", 3, 10)],
        max_rows=100,
        max_memory_bytes=1 << 30,
    )
    assert plan_keys(plans) == [("a", "c")]
    assert replace_segments(("c", "b", "a"), plans, {plans[0].key: "new"}) == ("b", "new")


def plan_keys(plans):
    return [item.digests for item in plans]
