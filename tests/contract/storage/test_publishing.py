from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import AliasEntry
from eagleray.errors import ConflictError, StoreError
from indexes.snapshots.aliases import AliasMove, alias_history, move_alias, read_alias
from indexes.snapshots.catalog import list_snapshots, load_snapshot, put_snapshot, resolve
from indexes.snapshots.copying import copy_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage.local import LocalStore
from tests.contract.storage.publishing import publish
from tests.small_collections import SPEC, make_manifest, write_small_snapshot

PROGRAM = [sys.executable, "-m", "tests.contract.storage.publishing"]
ROOT = Path(__file__).parents[3]


class FailingStore:
    """Passes everything on to a store until write number `n_writes`, then fails every write."""

    def __init__(self, inner, n_writes):
        self._inner, self._left = inner, n_writes

    def __getattr__(self, name):
        if name in {"write", "create", "upload"}:
            self._left -= 1
            if self._left < 0:
                raise StoreError(path=name, detail="the store is gone")
        return getattr(self._inner, name)


def list_objects(store):
    return {item.path: store.read(item.path) for item in store.list("")}


def check_old_snapshot(store, before, snapshot):
    """The old snapshot is current, whole, and not one of its bytes has changed."""
    after = list_objects(store)
    assert {path: after.get(path) for path in before} == before
    assert resolve(Collection(store, SPEC.name), "live") == snapshot
    assert verify_snapshot(Collection(store, SPEC.name), snapshot).is_sound


def test_a_snapshot_opens_the_same_from_both_kinds_of_store(store, tmp_path):
    snapshot = write_small_snapshot(store)
    opened = open_snapshot(Collection(store, SPEC.name), snapshot, cache=tmp_path / "cache")
    again = open_snapshot(Collection(store, SPEC.name), snapshot)
    assert snapshot == write_small_snapshot(LocalStore(tmp_path / "other"))
    assert verify_snapshot(Collection(store, SPEC.name), snapshot).is_sound
    for first, second in zip(opened.segments, again.segments, strict=True):
        assert first.rows.equals(second.rows)
        assert np.array_equal(first.vectors, second.vectors)
        assert np.array_equal(first.known_to, second.known_to)


def test_a_store_that_fails_at_any_write_leaves_the_old_snapshot_whole(store):
    first = publish(store, seed=1, expected=None)
    before, n_writes = list_objects(store), 0
    while True:
        try:
            moved = publish(FailingStore(store, n_writes), seed=2, expected=first.snapshot)
            break
        except StoreError:
            check_old_snapshot(store, before, first.snapshot)
            n_writes += 1
    assert n_writes > 10  # a try goes on where the last one stopped
    assert read_alias(Collection(store, SPEC.name), "live") == moved
    assert verify_snapshot(Collection(store, SPEC.name), moved.snapshot).is_sound


@pytest.mark.parametrize("n_writes", [0, 3, 12, 17, 19])
def test_a_killed_publisher_leaves_the_old_snapshot_whole(store, n_writes):
    first = publish(store, seed=1, expected=None)
    before = list_objects(store)
    arguments = {"seed": 2, "expected": first.snapshot, "n_writes": n_writes}
    killed = subprocess.run(
        PROGRAM, input=pickle.dumps((store, arguments)), cwd=ROOT, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    check_old_snapshot(store, before, first.snapshot)
    moved = publish(store, seed=2, expected=first.snapshot)
    assert verify_snapshot(Collection(store, SPEC.name), moved.snapshot).is_sound


def put_rivals(store, n_rivals):
    """Write one published snapshot and rivals on top of it; return its id and theirs."""
    first = publish(store, seed=1, expected=None).snapshot
    segments = load_snapshot(Collection(store, SPEC.name), first).segments
    rivals = [
        put_snapshot(store, make_manifest(store, segments[: 1 + number % 2], parent=parent))
        for number in range(n_rivals)
        for parent in [f"{number:064x}"]
    ]
    return first, rivals


def check_one_winner(store, winners, first, rivals):
    history = alias_history(Collection(store, SPEC.name), "live")
    assert len(winners) == 1
    assert [entry.sequence for entry in history] == [1, 2]
    assert (history[1].snapshot, history[1].previous) == (rivals[winners[0]], first)
    assert len(list_snapshots(Collection(store, SPEC.name))) == 1 + len(rivals)


def test_of_publishing_threads_exactly_one_wins(store):
    first, rivals = put_rivals(store, 6)
    gate, outcomes = threading.Barrier(len(rivals)), {}

    def run(number):
        move = AliasMove(expected=first, snapshot=rivals[number], reason="publish", now=number)
        gate.wait()
        try:
            outcomes[number] = move_alias(Collection(store, SPEC.name), "live", move=move)
        except ConflictError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(rivals))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(rivals)
    winners = [number for number, outcome in outcomes.items() if isinstance(outcome, AliasEntry)]
    check_one_winner(store, winners, first, rivals)


def test_of_publishing_processes_exactly_one_wins(store, tmp_path):
    first, rivals = put_rivals(store, 3)
    start = tmp_path / "start"
    processes = [
        subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) for _ in rivals
    ]
    for process, snapshot in zip(processes, rivals, strict=True):
        arguments = {"snapshot": snapshot, "expected": first, "start": str(start)}
        process.stdin.write(pickle.dumps((store, arguments)))
        process.stdin.close()
    assert [process.stdout.readline() for process in processes] == [b"ready\n"] * len(rivals)
    start.touch()
    answers = [process.stdout.readline() for process in processes]
    for process in processes:
        process.stdout.close()
        assert process.wait(timeout=60) == 0
    winners = [number for number, answer in enumerate(answers) if answer == b"won\n"]
    assert answers.count(b"lost\n") == len(rivals) - 1
    check_one_winner(store, winners, first, rivals)


def test_a_snapshot_comes_back_from_a_copy_in_any_store(store, tmp_path):
    here, restored = LocalStore(tmp_path / "here"), LocalStore(tmp_path / "restored")
    snapshot = write_small_snapshot(here)
    out = copy_snapshot(here, store, SPEC.name, snapshot)
    back = copy_snapshot(store, restored, SPEC.name, snapshot)
    assert (back.n_copied, back.n_bytes) == (out.n_copied, out.n_bytes)
    assert list_objects(restored) == list_objects(here)
    assert copy_snapshot(here, store, SPEC.name, snapshot).n_copied == 0
