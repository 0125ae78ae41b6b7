from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.contracts.indexes import IndexKind
from ray_jobs.plans.partitions import SourceFile
from ray_jobs.plans.runs import RunInput, RunSizes, mark_file, plan_run
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
FILES = tuple(
    SourceFile(path=name, size_bytes=9, modified=1, tag=f"tag-{name}") for name in ("a.txt", "b.txt")
)
FIRST = RunInput(
    spec=SPEC, embedder=EMBEDDER, mapping_digest="m" * 64, source="desk", parent=None, files=FILES, seen={}
)
AGAIN = replace(FIRST, parent="p" * 64, seen={file.path: mark_file(file, "m" * 64) for file in FILES})


def plan(known, **more):
    return plan_run(known, sizes=SIZES, started_at=7, **more)


def test_a_first_run_reads_everything_and_leaves_the_marks_the_next_one_compares_with():
    planned = plan(FIRST)
    assert planned.reread == {"a.txt", "b.txt"}
    assert planned.marks == AGAIN.seen


def test_nothing_is_read_again_where_nothing_changed():
    planned = plan(AGAIN)
    assert (planned.reread, planned.gone, planned.partitions) == (frozenset(), frozenset(), ())


def test_a_changed_file_is_read_again_and_one_that_is_not_there_any_more_is_gone():
    planned = plan(replace(AGAIN, files=(replace(FILES[0], tag="other"),)))
    assert (planned.reread, planned.gone) == ({"a.txt"}, {"b.txt"})


def test_what_was_read_of_a_folder_that_cannot_be_opened_now_is_neither_read_again_nor_gone():
    before = tuple(replace(FILES[0], path=path) for path in ("a/b.txt", "a.txt", "ab/c.txt"))
    seen = {file.path: mark_file(file, "m" * 64) for file in before}
    closed = replace(FILES[0], path="a", tag="closed")
    planned = plan(replace(AGAIN, files=(closed,), seen=seen, closed=("a",)))
    assert planned.reread == {"a"}
    assert planned.gone == {"a.txt", "ab/c.txt"}
    assert planned.marks == {"a/b.txt": seen["a/b.txt"], "a": mark_file(closed, "m" * 64)}
    opened = plan(replace(AGAIN, files=(before[0],), seen=planned.marks))
    assert (opened.reread, opened.gone) == (frozenset(), {"a"})


def test_another_mapping_is_a_reason_to_read_every_file_again():
    assert plan(replace(AGAIN, mapping_digest="n" * 64)).reread == {"a.txt", "b.txt"}


def test_a_file_that_is_asked_for_is_read_again():
    assert plan(replace(AGAIN, forced=frozenset({"b.txt"}))).reread == {"b.txt"}


@pytest.mark.parametrize(
    "change",
    [
        {"mapping_digest": "n" * 64},
        {"source": "other"},
        {"parent": "q" * 64},
        {"files": FILES[:1]},
        {"embedder": replace(EMBEDDER, backend="torch-bf16")},
        {"spec": replace(SPEC, name="other")},
    ],
)
def test_whatever_decides_the_result_decides_the_runs_name(change):
    assert plan(replace(FIRST, **change)).run_id != plan(FIRST).run_id
    assert plan(replace(FIRST, files=FILES[::-1])).run_id == plan(FIRST).run_id
