"""What any store must do to take another's place, against a dictionary."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from eagleray.contracts.ports import Store
from eagleray.errors import ObjectNotFoundError, StoreError

_NAMES: Final = ("a", "b/c", "b/d", "b/cd/e", "é/ü x.json")
_STEPS: Final = ("write", "create", "delete", "read", "list")
_CLOCK_SLACK: Final = 2_000_000
"""Microseconds by which the clocks of this process and the store may differ."""


class StoreContract:
    """A subclass gives the fixture `store`: an empty store for each test."""

    def test_it_fulfils_the_port(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert "://" in store.url

    @pytest.mark.parametrize("seed", range(12))
    def test_it_behaves_as_a_dictionary(self, store: Store, seed: int) -> None:
        rng, model = np.random.default_rng(seed), dict[str, bytes]()
        for _ in range(20):
            name, data = str(rng.choice(_NAMES)), rng.bytes(int(rng.integers(5)))
            _take_step(store, model, str(rng.choice(_STEPS)), name, data)
            assert store.exists(name) is (name in model)
        assert {item.path: item.size_bytes for item in store.list("")} == {
            name: len(data) for name, data in model.items()
        }

    def test_a_range_ends_with_the_object(self, store: Store) -> None:
        store.write("a", b"0123456789")
        ranges = [(2, 5), (8, 99), (10, 12), (50, 60)]
        assert [store.read_range("a", *ends) for ends in ranges] == [b"234", b"89", b"", b""]
        with pytest.raises(ObjectNotFoundError):
            store.read_range("b", 0, 1)

    def test_folders_are_listed_without_what_is_in_them(self, store: Store) -> None:
        assert store.list_folders() == ()
        for name in (
            "top.json",
            "notes/collection.json",
            "notes/aliases/live/1.json",
            "bonds é/a",
            "_keys/x",
        ):
            store.write(name, b"1")
        assert store.list_folders() == ("_keys", "bonds é", "notes")

    def test_a_folder_is_not_the_beginning_of_a_name(self, store: Store) -> None:
        for name in ("a/x", "ab/y", "a.json"):
            store.write(name, b"1")
        assert [item.path for item in store.list("a")] == ["a/x"]
        assert list(store.list("nothing")) == []

    def test_a_listing_carries_size_time_and_a_tag_that_changes_with_the_content(self, store: Store) -> None:
        before = _read_clock() - _CLOCK_SLACK
        store.write("a", b"one")
        first = next(iter(store.list("")))
        store.write("a", b"three")
        second = next(iter(store.list("")))
        assert (first.size_bytes, second.size_bytes) == (3, 5)
        assert before <= first.modified <= _read_clock() + _CLOCK_SLACK
        assert first.tag
        assert first.tag != second.tag

    def test_files_go_up_and_down_whole(self, store: Store, tmp_path: Path) -> None:
        data = bytes(range(256)) * 70_000
        (tmp_path / "up").write_bytes(data)
        store.upload(tmp_path / "up", "big/file.bin")
        store.download("big/file.bin", tmp_path / "down")
        assert (tmp_path / "down").read_bytes() == data
        with pytest.raises(ObjectNotFoundError):
            store.download("big/none.bin", tmp_path / "none")

    def test_of_writers_at_once_exactly_one_creates(self, store: Store) -> None:
        gate, outcomes = threading.Barrier(8), list[tuple[bool, int]]()

        def create(number: int) -> None:
            gate.wait()
            outcomes.append((store.create("a/b", b"%d" % number), number))

        threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [number for made, number in outcomes if made]
        assert len(outcomes) == len(threads)
        assert [b"%d" % number for number in winners] == [store.read("a/b")]

    def test_a_reader_sees_the_old_bytes_or_the_new(self, store: Store) -> None:
        old, new = b"o" * 300_000, b"n" * 300_000
        store.write("a", old)
        is_done, seen = threading.Event(), set[bytes]()

        def read() -> None:
            while not is_done.is_set():
                seen.add(store.read("a"))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(20):
            store.write("a", new if number % 2 else old)
        is_done.set()
        reader.join()
        assert seen <= {old, new}

    def test_it_survives_pickling(self, store: Store) -> None:
        store.write("a", b"1")
        again = pickle.loads(pickle.dumps(store))  # noqa: S301 - bytes made in this line
        assert again.url == store.url
        assert again.read("a") == b"1"

    def test_a_local_file_holds_the_object_where_there_is_one(self, store: Store) -> None:
        store.write("a", b"1")
        found = store.find_local("a")
        assert found is None or found.read_bytes() == b"1"
        assert store.find_local("b") is None

    @pytest.mark.parametrize("name", ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", "a/"])
    def test_names_that_leave_the_store_are_refused(self, store: Store, name: str) -> None:
        for use in (store.read, store.exists, store.delete, lambda name: store.write(name, b"x")):
            with pytest.raises(StoreError, match="stay inside"):
                use(name)


def _take_step(store: Store, model: dict[str, bytes], step: str, name: str, data: bytes) -> None:
    """Do the same to a store and to a dictionary, and hold what they say against each other."""
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


def _read_clock() -> int:
    return time.time_ns() // 1000
