from __future__ import annotations

import os
import random
import time

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import NotPublishedError
from indexes.runs.unread import SourceRecord, TriedPart, write_record
from indexes.searching.searcher import Searcher
from indexes.snapshots.aliases import AliasMove, move_alias, rollback
from indexes.snapshots.catalog import list_snapshots, load_snapshot, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.vacuuming import pin_snapshot, plan_vacuum, run_vacuum, unpin_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage.local import LocalStore
from tests.small_collections import (
    SPEC,
    make_codebook,
    make_manifest,
    make_rows,
    make_vectors,
    put_changes,
    put_segment,
    put_small_snapshot,
)

DAY_S = 86_400


class Killed(BaseException):
    """The process died."""


class DyingStore(LocalStore):
    """A store whose process dies at a removal."""

    n_left = 10**9

    def delete(self, path):
        if self.n_left <= 0:
            raise Killed
        self.n_left -= 1
        super().delete(path)


@pytest.fixture
def store(tmp_path):
    return DyingStore(tmp_path)


@pytest.fixture
def snapshots(store):
    """Four snapshots, each with a segment and a codebook of its own; the last two were published, all old."""
    found = [put_small_snapshot(store)]
    rng = np.random.default_rng(5)
    for number in range(3):
        rows = make_rows(rng, n_documents=4, first=100 * (number + 1))
        digest = put_segment(store, rows, make_vectors(rng, len(rows)), codebook=make_codebook(rng))
        kept = load_snapshot(Collection(store, SPEC.name), found[0]).segments
        patch = put_changes(store, [(rows[0]["chunk_id"], rows[0]["known_from"] + 1, None)])
        found.append(put_snapshot(store, make_manifest(store, (*kept, digest), patches=(patch,))))
    for expected, target in ((None, found[2]), (found[2], found[3])):
        move_alias(
            Collection(store, SPEC.name),
            "live",
            move=AliasMove(expected=expected, snapshot=target, reason="p", now=1),
        )
    store.write(f"{SPEC.name}/chunks/a.parquet", b"old")
    store.write(f"{SPEC.name}/runs/r1/plan.json", b"old")
    age(store, days=30)
    return found


def age(store, *, days):
    """Make everything in the store so old."""
    moment = time.time() - days * DAY_S
    for item in store.list(SPEC.name):
        os.utime(store.find_local(item.path), (moment, moment))


def vacuum(store, *, days=7):
    plan = plan_vacuum(Collection(store, SPEC.name), older_than=int((time.time() - days * DAY_S) * 1e6))
    run_vacuum(store, plan)
    return plan


def answer(store, snapshot):
    opened = open_snapshot(Collection(store, SPEC.name), snapshot)
    searcher = Searcher(snapshot, opened.segments, embedder=HashingEmbedder())
    principal = Principal(subject="a", groups=frozenset({"rates"}))
    hits = searcher.search(SearchRequest(query="swap curve", mode="lexical", k=50, principal=principal)).hits
    return [(hit.chunk_id, hit.score) for hit in hits]


def list_paths(store):
    return {item.path for item in store.list(SPEC.name)}


def test_what_an_alias_points_to_and_could_be_rolled_back_to_stays(store, snapshots):
    before = [answer(store, snapshot) for snapshot in snapshots[2:]]
    plan = vacuum(store)
    assert plan.removed == tuple(sorted(snapshots[:2]))
    assert [entry.snapshot for entry in list_snapshots(Collection(store, SPEC.name))] == sorted(snapshots[2:])
    assert [answer(store, snapshot) for snapshot in snapshots[2:]] == before
    assert all(verify_snapshot(Collection(store, SPEC.name), snapshot).is_sound for snapshot in snapshots[2:])
    assert not [path for path in list_paths(store) if "/chunks/" in path or "/runs/" in path]
    rollback(Collection(store, SPEC.name), "live", run="ops", now=2)
    with pytest.raises(NotPublishedError):
        open_snapshot(Collection(store, SPEC.name), snapshots[0])


def test_a_second_vacuum_finds_nothing_and_every_object_left_is_needed(store, snapshots):
    vacuum(store)
    assert plan_vacuum(Collection(store, SPEC.name), older_than=int(time.time() * 1e6) - 1).objects == ()
    segments = {path.split("/")[2] for path in list_paths(store) if "/segments/" in path}
    named = {
        digest
        for snapshot in snapshots[2:]
        for digest in load_snapshot(Collection(store, SPEC.name), snapshot).segments
    }
    assert segments == named


def test_a_pinned_snapshot_stays_until_it_is_unpinned(store, snapshots):
    pin_snapshot(Collection(store, SPEC.name), snapshots[0])
    age(store, days=30)
    assert vacuum(store).removed == (snapshots[1],)
    unpin_snapshot(Collection(store, SPEC.name), snapshots[0])
    assert vacuum(store).removed == (snapshots[0],)


def test_whatever_was_written_within_the_retention_stays(store, snapshots):
    rows = make_rows(np.random.default_rng(9), n_documents=2, first=900)
    young = put_segment(store, rows, make_vectors(np.random.default_rng(9), len(rows)))
    store.write(f"{SPEC.name}/runs/r2/plan.json", b"young")
    vacuum(store)
    assert any(young in path for path in list_paths(store))
    assert f"{SPEC.name}/runs/r2/plan.json" in list_paths(store)


def test_files_of_a_run_that_goes_on_stay_however_old_they_are(store, snapshots):
    store.write(f"{SPEC.name}/runs/r1/embed/x.json", b"young")
    vacuum(store)
    assert f"{SPEC.name}/chunks/a.parquet" in list_paths(store)


def test_of_a_run_that_left_files_unread_the_dead_letters_stay_as_long_as_they_are(store, snapshots):
    notes, runs = Collection(store, SPEC.name), f"{SPEC.name}/runs"
    for name in ("ingest/x.dead.jsonl", "ingest/x.json"):
        store.write(f"{runs}/r1/{name}", b"")
    tried = {"a.xlsx": (TriedPart(mark="1", runs=("r1",)),)}
    write_record(notes, SourceRecord(source="desk", tried=tried))
    age(store, days=30)
    vacuum(store)
    left = [path for path in list_paths(store) if path.startswith(f"{runs}/r1/")]
    assert sorted(left) == [f"{runs}/r1/ingest/x.dead.jsonl", f"{runs}/r1/plan.json"]
    write_record(notes, SourceRecord(source="desk"))
    vacuum(store)
    assert not [path for path in list_paths(store) if path.startswith(f"{runs}/r1/")]


def test_a_vacuum_killed_at_any_moment_leaves_every_published_snapshot_whole(store, snapshots):
    before = {snapshot: answer(store, snapshot) for snapshot in snapshots[2:]}
    drawn = random.Random(3)  # noqa: S311 - draws moments, not secrets
    n_kills = 0
    while True:
        store.n_left = drawn.randrange(2)
        try:
            vacuum(store)
            break
        except Killed:
            n_kills += 1
            age(store, days=30)
        for snapshot, hits in before.items():
            assert verify_snapshot(Collection(store, SPEC.name), snapshot).is_sound
            assert answer(store, snapshot) == hits
    assert n_kills >= 20
    store.n_left = 10**9
    assert plan_vacuum(Collection(store, SPEC.name), older_than=int(time.time() * 1e6) - 1).objects == ()


def test_a_damaged_snapshot_that_is_needed_stops_the_vacuum_before_anything_goes(store, snapshots):
    path = store.find_local(f"{SPEC.name}/snapshots/{snapshots[3]}.json")
    path.write_bytes(path.read_bytes()[:-2])
    before = list_paths(store)
    with pytest.raises(Exception, match="SHA-256|JSON"):
        vacuum(store)
    assert list_paths(store) == before
