from __future__ import annotations

import pickle
import threading
import time

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from eagleray.contracts.ports import Store
from eagleray.errors import ObjectNotFoundError, StoreError
from indexes.storage import open_store
from tests.servers import BUCKET

NAMES = st.sampled_from(["a", "b/c", "b/d", "b/cd/e", "é/ü x.json"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "create", "delete", "read", "list"]), NAMES, st.binary(max_size=5))
)


def test_both_kinds_fulfil_the_port(store):
    assert isinstance(store, Store)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_store_behaves_as_a_dictionary(store, steps):
    for item in list(store.list("")):
        store.delete(item.path)
    model = {}
    for step, name, data in steps:
        if step == "write":
            store.write(name, data)
            model[name] = data
        elif step == "create":
            assert store.create(name, data) is (name not in model)
            model.setdefault(name, data)
        elif step == "delete":
            store.delete(name)
            model.pop(name, None)
        elif step == "list":
            assert [item.path for item in store.list("b")] == sorted(key for key in model if key[:2] == "b/")
        elif name in model:
            assert store.read(name) == model[name]
        else:
            with pytest.raises(ObjectNotFoundError):
                store.read(name)
        assert store.exists(name) is (name in model)
    assert {item.path: item.size_bytes for item in store.list("")} == {
        name: len(data) for name, data in model.items()
    }


def test_a_range_ends_with_the_object(store):
    store.write("a", b"0123456789")
    assert store.read_range("a", 2, 5) == b"234"
    assert store.read_range("a", 8, 99) == b"89"
    assert store.read_range("a", 10, 12) == b""
    assert store.read_range("a", 50, 60) == b""
    with pytest.raises(ObjectNotFoundError):
        store.read_range("b", 0, 1)


def test_a_folder_is_not_the_beginning_of_a_name(store):
    for name in ("a/x", "ab/y", "a.json"):
        store.write(name, b"1")
    assert [item.path for item in store.list("a")] == ["a/x"]
    assert list(store.list("nothing")) == []


def test_a_listing_carries_size_time_and_a_tag_that_changes_with_the_content(store):
    before = read_clock() - 2_000_000
    store.write("a", b"one")
    first = next(iter(store.list("")))
    store.write("a", b"three")
    second = next(iter(store.list("")))
    assert (first.size_bytes, second.size_bytes) == (3, 5)
    assert before <= first.modified <= read_clock() + 2_000_000
    assert first.tag
    assert first.tag != second.tag


def read_clock():
    return time.time_ns() // 1000


def test_files_go_up_and_down_whole(store, tmp_path):
    data = bytes(range(256)) * 70_000
    (tmp_path / "up").write_bytes(data)
    store.upload(tmp_path / "up", "big/file.bin")
    store.download("big/file.bin", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == data
    with pytest.raises(ObjectNotFoundError):
        store.download("big/none.bin", tmp_path / "none")


def test_of_writers_at_once_exactly_one_creates(store):
    gate, outcomes = threading.Barrier(8), []

    def create(number):
        gate.wait()
        outcomes.append((store.create("a/b", b"%d" % number), number))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for made, number in outcomes if made]
    assert len(outcomes) == 8
    assert [b"%d" % number for number in winners] == [store.read("a/b")]


def test_a_reader_sees_the_old_bytes_or_the_new(store):
    old, new = b"o" * 300_000, b"n" * 300_000
    store.write("a", old)
    is_done, seen = threading.Event(), set()

    def read():
        while not is_done.is_set():
            seen.add(store.read("a"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        store.write("a", new if number % 2 else old)
    is_done.set()
    reader.join()
    assert seen <= {old, new}


def test_a_store_survives_pickling(store):
    store.write("a", b"1")
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - bytes made one line above
    assert again.url == store.url
    assert again.read("a") == b"1"


def test_a_store_opens_from_its_own_url(store, request):
    store.write("a", b"1")
    s3 = request.getfixturevalue("s3_settings") if store.url.startswith("s3:") else None
    assert open_store(store.url, s3=s3).read("a") == b"1"


def test_a_file_stands_behind_local_objects_only(store):
    store.write("a", b"1")
    found = store.find_local("a")
    assert (found.read_bytes() == b"1") if store.url.startswith("file:") else (found is None)
    assert store.find_local("b") is None


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", "a/"])
def test_names_that_leave_the_store_are_refused(store, name):
    for use in (store.read, store.exists, store.delete, lambda name: store.write(name, b"x")):
        with pytest.raises(StoreError, match="stay inside"):
            use(name)


def test_a_bucket_that_is_not_there_is_a_store_error(s3_settings):
    store = open_store("s3://nowhere/x", s3=s3_settings)
    with pytest.raises(StoreError):
        store.write("a", b"1")
    assert open_store(f"s3://{BUCKET}/x", s3=s3_settings).exists("a") is False
