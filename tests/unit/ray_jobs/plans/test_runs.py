from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.sources import SourcePlan, Split
from ray_jobs.plans.runs import RunInput, RunSizes, plan_run
from ray_jobs.plans.training import IndexRules
from tests.small_collections import EMBEDDER, SPEC

RULES = IndexRules(kind=IndexKind.IVF_PQ, min_rows=100, n_lists=0, balance=0.5, max_drift=1.25)
SIZES = RunSizes(
    index=RULES,
    partition_bytes=1 << 20,
    shard_bytes=1 << 20,
    max_segment_rows=1000,
    worker_memory_bytes=1 << 28,
)
READING = SourcePlan(
    splits=(Split(key="a", size_bytes=9),),
    size_bytes=9,
    identity={"files": [["a.txt", 9, "tag"]], "reread": ["a.txt"]},
    whole=frozenset({"a.txt"}),
    gone=frozenset({"b.txt"}),
)
FIRST = RunInput(
    spec=SPEC,
    embedder=EMBEDDER,
    mapping_digest="m" * 64,
    source="desk",
    parent=None,
    reading=READING,
    position={"a.txt": "1"},
)


def plan(known):
    return plan_run(known, sizes=SIZES, started_at=7)


def test_a_run_reads_what_its_source_plans_and_leaves_the_position_after_it():
    planned = plan(FIRST)
    assert (planned.splits, planned.position) == (READING.splits, {"a.txt": "1"})
    assert (planned.whole, planned.gone) == ({"a.txt"}, {"b.txt"})


@pytest.mark.parametrize(
    "change",
    [
        {"mapping_digest": "n" * 64},
        {"source": "other"},
        {"parent": "q" * 64},
        {"reading": replace(READING, identity={"files": []})},
        {"embedder": replace(EMBEDDER, backend="torch-bf16")},
        {"spec": replace(SPEC, name="other")},
    ],
)
def test_whatever_decides_the_result_decides_the_runs_name(change):
    assert plan(replace(FIRST, **change)).run_id != plan(FIRST).run_id


def test_where_splits_end_decides_nothing():
    halves = tuple(Split(key=name, size_bytes=4) for name in "ab")
    assert plan(replace(FIRST, reading=replace(READING, splits=halves))).run_id == plan(FIRST).run_id


def test_what_a_source_gives_as_its_identity_cannot_pass_for_a_part_of_the_runs():
    with pytest.raises(ValueError, match=r"\['parent'\]"):
        plan(replace(FIRST, reading=replace(READING, identity={"parent": None})))


def test_a_run_over_files_has_the_name_that_it_always_had():
    assert plan(FIRST).run_id == "f1a0662fa4cdadf6"
