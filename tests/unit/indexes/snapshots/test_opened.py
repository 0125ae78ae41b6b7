from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.times import OPEN_END
from eagleray.errors import IntegrityError, NotPublishedError
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from indexes.snapshots.differences import diff_snapshots
from indexes.snapshots.opened import open_snapshot, open_snapshot_segment
from indexes.storage.local import LocalStore
from tests.small_collections import (
    DAY,
    SPEC,
    make_manifest,
    make_rows,
    make_vectors,
    put_changes,
    put_segment,
    put_small_snapshot,
)


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path)


def test_a_snapshot_opens_by_alias_with_its_patches_applied(store):
    snapshot = put_small_snapshot(store)
    move = AliasMove(expected=None, snapshot=snapshot, reason="publish", now=1)
    move_alias(Collection(store, SPEC.name), "live", move=move)
    opened = open_snapshot(Collection(store, SPEC.name), "live")
    assert opened.snapshot_id == snapshot
    assert (opened.n_rows, opened.n_documents) == (opened.manifest.n_rows, opened.manifest.n_documents)
    ends = {
        (doc_id, end)
        for view in opened.segments
        for doc_id, end in zip(view.rows["doc_id"].to_pylist(), view.known_to.tolist(), strict=True)
    }
    assert ("doc-0", 50 * DAY) in ends
    assert ("doc-0", OPEN_END) in ends
    assert ("doc-1", 60 * DAY) in ends
    assert ("doc-1", OPEN_END) not in ends
    assert opened.n_documents == 16


def test_one_segment_opens_as_it_stands_in_its_snapshot(store):
    snapshot = put_small_snapshot(store)
    opened = open_snapshot(Collection(store, SPEC.name), snapshot)
    for view in opened.segments:
        alone = open_snapshot_segment(Collection(store, SPEC.name), snapshot, segment=view.digest)
        assert np.array_equal(alone.known_to, view.known_to)
        assert np.array_equal(alone.group_bits, view.group_bits)
        assert alone.group_names == view.group_names
    with pytest.raises(NotPublishedError, match="no such segment"):
        open_snapshot_segment(Collection(store, SPEC.name), snapshot, segment="0" * 64)


@pytest.mark.parametrize("change", ["n_rows", "dim"])
def test_a_manifest_that_says_something_else_than_its_segments_is_refused(store, change):
    manifest = load_snapshot(Collection(store, SPEC.name), put_small_snapshot(store))
    if change == "n_rows":
        wrong = replace(manifest, n_rows=manifest.n_rows + 1)
    else:
        wrong = replace(manifest, collection=replace(SPEC, embedder=replace(SPEC.embedder, dim=8)))
    with pytest.raises(IntegrityError, match=wrong.snapshot_id):
        open_snapshot(Collection(store, SPEC.name), put_snapshot(store, wrong))


def test_an_empty_snapshot_opens(store):
    put_collection(store, SPEC)
    opened = open_snapshot(Collection(store, SPEC.name), put_snapshot(store, make_manifest(store, ())))
    assert (opened.n_rows, opened.n_documents, opened.segments) == (0, 0, ())


def test_a_difference_counts_documents_added_removed_and_superseded(store):
    rng = np.random.default_rng(2)
    put_collection(store, SPEC)
    old = make_rows(rng, n_documents=6, known_from=DAY)
    new = make_rows(rng, n_documents=2, known_from=9 * DAY) + make_rows(rng, n_documents=3, first=10)
    first = put_segment(store, old, make_vectors(rng, len(old)))
    second = put_segment(store, new, make_vectors(rng, len(new)))
    closed = {"doc-0": 9 * DAY, "doc-1": 9 * DAY, "doc-5": 7 * DAY}
    patch = put_changes(
        store, [(row["chunk_id"], closed[row["doc_id"]], None) for row in old if row["doc_id"] in closed]
    )
    before = put_snapshot(store, make_manifest(store, (first,)))
    after = put_snapshot(store, make_manifest(store, (first, second), patches=(patch,), parent=before))
    opened = [open_snapshot(Collection(store, SPEC.name), snapshot) for snapshot in (before, after)]
    found = diff_snapshots(*opened)
    assert (found.n_added, found.n_removed, found.n_superseded) == (3, 1, 2)
    assert (found.n_documents_before, found.n_documents_after) == (6, 8)
    assert (found.n_rows_before, found.n_rows_after) == (len(old), len(old) + len(new))
    assert (found.segments_added, found.segments_removed) == ((second,), ())
    assert (found.patches_added, found.patches_removed) == ((patch,), ())
    back = diff_snapshots(*reversed(opened))
    assert (back.n_added, back.n_removed, back.n_superseded) == (1, 3, 2)
