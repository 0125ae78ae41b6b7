from __future__ import annotations

import pytest

from eagleray.contracts.collections import Collection
from eagleray.digests import digest_bytes
from eagleray.errors import InputError, IntegrityError, NotPublishedError, StoreError
from indexes.evaluation.reports import GateCheck, GateReport, store_gate_report
from indexes.snapshots.copying import copy_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.verification import verify_snapshot
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, put_small_snapshot


@pytest.fixture
def source(tmp_path):
    return LocalStore(tmp_path / "source")


@pytest.fixture
def target(tmp_path):
    return LocalStore(tmp_path / "target")


@pytest.fixture
def snapshot(source):
    """A snapshot with segments, a patch and a gate report."""
    name = put_small_snapshot(source)
    check = GateCheck(name="counts", passed=True, detail="fine", figures={})
    store_gate_report(Collection(source, SPEC.name), GateReport(snapshot=name, checks=(check,)))
    return name


class Remote(LocalStore):
    """A store whose files cannot be reached but through it."""

    def find_local(self, path):
        return None


class Failing(LocalStore):
    """A store that fails at its `n`-th upload."""

    n_left = 3

    def upload(self, local, path):
        self.n_left -= 1
        if not self.n_left:
            raise StoreError(path=path, detail="the connection broke")
        super().upload(local, path)


def read_all(store):
    return {item.path: store.read(item.path) for item in store.list("")}


def damage(store, path):
    data = store.read(path)
    store.write(path, data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("kind", [LocalStore, Remote])
def test_a_copy_holds_the_same_bytes_and_answers(tmp_path, source, target, snapshot, kind):
    report = copy_snapshot(kind(tmp_path / "source"), target, SPEC.name, snapshot)
    assert read_all(target) == read_all(source)
    assert report.n_standing == 0
    assert verify_snapshot(Collection(target, SPEC.name), snapshot).is_sound
    assert (
        open_snapshot(Collection(target, SPEC.name), snapshot).n_rows
        == open_snapshot(Collection(source, SPEC.name), snapshot).n_rows
    )


def test_a_second_copy_writes_nothing(source, target, snapshot):
    first = copy_snapshot(source, target, SPEC.name, snapshot)
    again = copy_snapshot(source, target, SPEC.name, snapshot)
    assert (again.n_copied, again.n_bytes, again.n_standing) == (0, 0, first.n_copied)


def test_a_copy_that_broke_off_is_no_snapshot_and_is_continued(tmp_path, source, target, snapshot):
    with pytest.raises(StoreError, match="the connection broke"):
        copy_snapshot(source, Failing(tmp_path / "target"), SPEC.name, snapshot)
    with pytest.raises(NotPublishedError):
        open_snapshot(Collection(target, SPEC.name), snapshot)
    report = copy_snapshot(source, target, SPEC.name, snapshot)
    assert report.n_standing == Failing.n_left - 1
    assert read_all(target) == read_all(source)


def test_what_is_damaged_in_the_target_is_written_again(source, target, snapshot):
    copy_snapshot(source, target, SPEC.name, snapshot)
    named_by_content = [path for path in read_all(target) if "/segments/" in path or "/patches/" in path]
    assert len(named_by_content) > 10
    for path in named_by_content:
        damage(target, path)
        assert copy_snapshot(source, target, SPEC.name, snapshot).n_copied >= 1
        assert digest_bytes(target.read(path)) == digest_bytes(source.read(path))


def test_a_damaged_source_is_refused_and_makes_no_snapshot(source, target, snapshot):
    path = next(path for path in read_all(source) if path.endswith("vectors.npy"))
    damage(source, path)
    with pytest.raises(IntegrityError, match=r"vectors\.npy"):
        copy_snapshot(source, target, SPEC.name, snapshot)
    with pytest.raises(NotPublishedError):
        open_snapshot(Collection(target, SPEC.name), snapshot)
    source.delete(path)
    with pytest.raises(IntegrityError, match="no such object"):
        copy_snapshot(source, target, SPEC.name, snapshot)


def test_a_copy_onto_itself_or_of_nothing_is_refused(source, target, snapshot):
    with pytest.raises(InputError, match="another store"):
        copy_snapshot(source, source, SPEC.name, snapshot)
    with pytest.raises(NotPublishedError):
        copy_snapshot(source, target, SPEC.name, "0" * 64)
    assert read_all(target) == {}
