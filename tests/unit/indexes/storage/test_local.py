from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from eagleray.errors import ObjectNotFoundError, StoreError
from indexes.storage.local import LocalStore

NOBODY = 65534


@contextmanager
def as_nobody():
    """Give up the rights of root, which may read everything, for a block."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def store(tmp_path):
    made = LocalStore(tmp_path / "store")
    made.write("notes/a", b"1")
    return made


USES = {
    "read": lambda store: store.read("notes/a"),
    "read_range": lambda store: store.read_range("notes/a", 0, 1),
    "write": lambda store: store.write("notes/b", b"2"),
    "create": lambda store: store.create("notes/b", b"2"),
    "exists": lambda store: store.exists("notes/a"),
    "list": lambda store: list(store.list("")),
    "list a folder": lambda store: list(store.list("notes")),
    "find_local": lambda store: store.find_local("notes/a"),
    "delete": lambda store: store.delete("notes/a"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("is_pickled", [False, True])
def test_a_folder_that_is_gone_is_an_error_and_is_not_made_again(store, tmp_path, use, is_pickled):
    used = pickle.loads(pickle.dumps(store)) if is_pickled else store  # noqa: S301 - bytes made here
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(StoreError, match="was there and is gone; bring it back") as caught:
        use(used)
    assert not isinstance(caught.value, ObjectNotFoundError)
    assert not (tmp_path / "store").exists()


def test_a_folder_that_was_never_there_is_an_empty_store_until_the_first_write(tmp_path):
    store = LocalStore(tmp_path / "new" / "store")
    assert list(store.list("")) == []
    assert not store.exists("a")
    with pytest.raises(ObjectNotFoundError):
        store.read("a")
    assert not (tmp_path / "new").exists()
    store.write("a", b"1")
    assert store.read("a") == b"1"


def test_a_file_in_the_place_of_a_folder_is_an_error_and_no_silent_loss(store):
    with pytest.raises(StoreError, match="notes/a/b"):
        store.write("notes/a/b", b"2")
    with pytest.raises(StoreError, match="notes/a/b"):
        store.create("notes/a/b", b"2")
    assert store.read("notes/a") == b"1"


def test_links_that_lead_nowhere_are_listed_and_cannot_be_read(store, tmp_path):
    (tmp_path / "store" / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "store" / "loop").symlink_to(tmp_path / "store" / "loop")
    assert [item.path for item in store.list("")] == ["dangling", "loop", "notes/a"]
    for name in ("dangling", "loop"):
        with pytest.raises(StoreError):
            store.read(name)


@pytest.mark.parametrize("closed", ["", "store", "store/notes"])
def test_a_folder_that_may_not_be_listed_is_an_error_rather_than_empty(closed):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        LocalStore(root / "store").write("notes/a", b"1")
        root.chmod(0o755)
        (root / closed).chmod(0o700 if os.geteuid() == 0 else 0)
        with as_nobody(), pytest.raises(StoreError, match="Permission denied"):
            list(LocalStore(root / "store").list(""))
        (root / closed).chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o400, 0o500])
def test_what_may_not_be_opened_is_told_or_listed_and_hides_nothing_else(mode):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("a", "closed/b", "closed/deep/c", "z"):
            LocalStore(root / "store").write(name, b"1")
        shared = 0o755 if os.geteuid() == 0 else 0o700
        root.chmod(shared)
        closed, told = root / "store" / "closed", []
        (closed / "deep").chmod(shared)
        closed.chmod(mode if os.geteuid() else (mode >> 6) * 0o11)  # of group and others
        store = LocalStore(root / "store")
        with as_nobody():
            found = [item.path for item in store.list("", on_unlisted=told.append)]
            unread = [name for name in found if not can_read(store, name)]
        closed.chmod(0o755)
        assert (found[0], found[-1]) == ("a", "z")
        if mode & 0o400:
            assert (told == ["closed/deep"]) is (mode == 0o400)
            assert found == ["a", "closed/b", *(["closed/deep/c"] if mode == 0o500 else []), "z"]
            assert unread == (["closed/b"] if mode == 0o400 else [])
        else:
            assert (found, told) == (["a", "z"], ["closed"])


def can_read(store, name):
    try:
        return bool(store.read(name))
    except StoreError:
        return False


@pytest.mark.parametrize(
    "names",
    [
        (b"caf\xe9", rb"caf\xe9"),
        (rb"a\x5c", rb"a\x5cx5c", b"a\\"),
        (rb"a\x5cxe9", rb"a\xe9", b"a\xe9"),
        (b"a\\\xe9", rb"a\\xe9", rb"a\xE9"),
    ],
)
def test_no_two_files_have_one_name_and_each_name_leads_to_its_file(tmp_path, names):
    for name in names:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(name)
    store = LocalStore(tmp_path)
    listed = [item.path for item in store.list("")]
    assert len(set(listed)) == len(names)
    assert {store.read(name) for name in listed} == set(names)
    store.write(listed[0], b"new")
    assert [item.path for item in store.list("")] == listed
    assert store.read(listed[0]) == b"new"


def test_a_folder_that_another_writer_makes_meanwhile_is_not_taken_for_one_that_is_gone(
    tmp_path, monkeypatch
):
    store, look = LocalStore(tmp_path / "store"), Path.is_dir

    def look_too_early(path):
        is_there = look(path)
        if path == tmp_path / "store" and not is_there:
            monkeypatch.setattr(Path, "is_dir", look)
            store.write("other", b"1")
        return is_there

    monkeypatch.setattr(Path, "is_dir", look_too_early)
    assert store.create("mine", b"1")
