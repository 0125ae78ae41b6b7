from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from indexes.evaluation.reports import GateCheck, GateReport, store_gate_report
from indexes.snapshots.aliases import AliasMove, move_alias, rollback
from indexes.snapshots.catalog import load_snapshot, put_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_manifest, put_small_snapshot

N_FLIPS = 500


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store with a published, rolled back and gated snapshot, its id and all its objects."""
    store = LocalStore(tmp_path_factory.mktemp("store"))
    snapshot = put_small_snapshot(store)
    segments = load_snapshot(Collection(store, SPEC.name), snapshot).segments
    other = put_snapshot(store, make_manifest(store, segments))
    for expected, target in ((None, snapshot), (snapshot, other)):
        move = AliasMove(expected=expected, snapshot=target, reason="publish", now=1)
        move_alias(Collection(store, SPEC.name), "live", move=move)
    rollback(Collection(store, SPEC.name), "live", run="ops", now=2)
    check = GateCheck(name="counts", passed=True, detail="fine", figures={"n_rows": 3})
    store_gate_report(Collection(store, SPEC.name), GateReport(snapshot=snapshot, checks=(check,)))
    foreign = f"{SPEC.name}/snapshots/{other}.json"
    paths = [item.path for item in store.list(SPEC.name) if item.path != foreign]
    return store, snapshot, paths


def test_a_whole_snapshot_is_sound_and_every_byte_is_read(whole):
    store, snapshot, paths = whole
    report = verify_snapshot(Collection(store, SPEC.name), snapshot)
    assert report.is_sound
    assert report.n_files == len(paths)
    assert report.n_bytes == sum(len(store.read(path)) for path in paths)


def test_every_flipped_byte_is_reported(whole):
    store, snapshot, paths = whole
    rng = np.random.default_rng(11)
    for number in range(N_FLIPS):
        path = paths[number % len(paths)]
        data = store.read(path)
        flipped = bytearray(data)
        flipped[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        file = store.find_local(path)
        file.write_bytes(bytes(flipped))
        report = verify_snapshot(Collection(store, SPEC.name), snapshot)
        file.write_bytes(data)
        assert [finding.path for finding in report.findings] == [path]


def test_all_faults_are_reported_and_not_only_the_first(whole):
    store, snapshot, paths = whole
    kept = {path: store.read(path) for path in paths}
    broken = [path for path in paths if path.endswith((".npy", "collection.json", ".arrow", "01.json"))]
    for path in broken:
        store.write(path, kept[path][:-1])
    report = verify_snapshot(Collection(store, SPEC.name), snapshot)
    for path in broken:
        store.write(path, kept[path])
    assert sorted(finding.path for finding in report.findings) == sorted(broken)


def test_lost_files_are_reported(whole):
    store, snapshot, paths = whole
    for path in paths:
        if path.endswith((".gate.json", "03.json")):
            continue  # a report is optional, and a lost newest move ends the log sooner
        data = store.read(path)
        store.delete(path)
        report = verify_snapshot(Collection(store, SPEC.name), snapshot)
        store.write(path, data)
        assert not report.is_sound, path
    assert verify_snapshot(Collection(store, SPEC.name), snapshot).is_sound


def test_files_nobody_vouches_for_are_reported(whole):
    store, snapshot, paths = whole
    folder = next(path for path in paths if path.endswith("segment.json")).rpartition("/")[0]
    for extra in (f"{folder}/extra.faiss", f"{SPEC.name}/aliases/live/notes.txt", f"{SPEC.name}/aliases/x"):
        store.write(extra, b"x")
        report = verify_snapshot(Collection(store, SPEC.name), snapshot)
        store.delete(extra)
        assert [finding.path for finding in report.findings] == [extra]


def test_a_snapshot_that_is_not_there_is_a_finding(whole):
    report = verify_snapshot(Collection(whole[0], SPEC.name), "0" * 64)
    assert [finding.found for finding in report.findings] == ["no such object"]
