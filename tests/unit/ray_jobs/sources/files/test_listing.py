from __future__ import annotations

import os
import socket

import pytest

from eagleray.contracts.ports import StoredObject
from eagleray.errors import SourceError, StoreError
from indexes.storage.local import LocalStore
from ray_jobs.sources.files.listing import list_files
from ray_jobs.sources.files.source import is_of_file


def list_paths(listing):
    return [file.path for file in listing.files]


def test_what_is_no_regular_file_is_passed_over_and_counted(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    os.mkfifo(tmp_path / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.txt"))
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "b.txt").write_text("b")
        (tmp_path / "elsewhere").symlink_to("/")
        (tmp_path / "loop").symlink_to(tmp_path)
        (tmp_path / "null.txt").symlink_to("/dev/null")
        listing = list_files(LocalStore(tmp_path))
    assert list_paths(listing) == ["a.txt"]
    assert listing.passed_over == {"hidden": 1, "linked_folders": 2, "special_files": 3}


def test_links_that_lead_nowhere_are_listed_to_become_dead_letters(tmp_path):
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    listing = list_files(LocalStore(tmp_path))
    assert list_paths(listing) == ["gone.txt", "loop.txt"]
    assert listing.passed_over == {}


def test_store_and_cache_are_no_part_of_the_source(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    for name in ("store", "cache"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.txt").write_text("b")
    (tmp_path / "link.txt").symlink_to(tmp_path / "store" / "b.txt")
    (tmp_path / "storey").mkdir()
    (tmp_path / "storey" / "c.txt").write_text("c")
    (tmp_path.parent / f"{tmp_path.name}-link").symlink_to(tmp_path)
    own = (f"file://{tmp_path}-link/store", str(tmp_path / "cache"))
    listing = list_files(LocalStore(tmp_path), own=own)
    assert list_paths(listing) == ["a.txt", "storey/c.txt"]
    assert listing.passed_over == {"own_files": 3}
    with pytest.raises(SourceError, match="it lies in"):
        list_files(LocalStore(tmp_path / "store"), own=own)


def test_a_name_that_is_no_utf_8_is_shown_escaped_and_read(tmp_path):
    name = os.fsdecode(b"caf\xe9.txt")
    (tmp_path / name).write_text("coffee")
    (tmp_path / "plain\\xe9.txt").write_text("as it stands")
    store = LocalStore(tmp_path)
    assert list_paths(list_files(store)) == ["caf\\xe9.txt", "plain\\x5cxe9.txt"]
    assert [store.read(file.path) for file in list_files(store).files] == [b"coffee", b"as it stands"]


@pytest.mark.parametrize("target", ["circle.txt", "a" * 300, "nowhere.txt"])
def test_a_link_that_cannot_be_followed_is_a_file_that_cannot_be_read(tmp_path, target):
    (tmp_path / "circle.txt").symlink_to(target)
    store = LocalStore(tmp_path)
    listing = list_files(store, own=(str(tmp_path / "store"),))
    assert list_paths(listing) == ["circle.txt"]
    with pytest.raises(StoreError) as failed:
        store.read_range("circle.txt", 0, 1)
    assert is_of_file(failed.value)


class FolderWithClosedOnes:
    """A folder two of whose folders may not be opened."""

    def __init__(self, root):
        self.url = root.as_uri()

    def list(self, below, *, on_unlisted):
        for name in ("desk", ".cache", "store/closed"):
            on_unlisted(name)
        return [StoredObject(path="z.txt", size_bytes=4, modified=1, tag="t")]


def test_a_folder_that_cannot_be_opened_is_a_file_that_cannot_be_read(tmp_path):
    listing = list_files(FolderWithClosedOnes(tmp_path), own=(str(tmp_path / "store"),))
    assert list_paths(listing) == ["desk", "z.txt"]
    assert "desk" in listing.closed
    assert listing.passed_over == {"hidden": 1, "own_files": 1}


class Bucket:
    """A bucket in which somebody made folders by hand: the service lists them as objects of no bytes."""

    url = "s3://bucket/desk"

    def list(self, below, *, on_unlisted):
        objects = {"": 0, "a.txt": 4, "empty.txt": 0, "n": 0, "n/b.txt": 4, "n_$folder$": 0}
        return [StoredObject(path=path, size_bytes=n, modified=1, tag="t") for path, n in objects.items()]

    def exists(self, path):
        return path != "n"  # its key is `n/`


def test_folder_markers_of_buckets_are_passed_over_and_files_of_no_bytes_are_not():
    listing = list_files(Bucket())
    assert list_paths(listing) == ["a.txt", "empty.txt", "n/b.txt"]
    assert listing.passed_over == {"folder_markers": 3}


def test_a_store_below_the_prefix_of_its_source_is_no_part_of_it():
    listing = list_files(Bucket(), own=("s3://bucket/desk/n", "/var/cache/eagleray"))
    assert list_paths(listing) == ["a.txt", "empty.txt"]
    with pytest.raises(SourceError, match="it lies in"):
        list_files(Bucket(), own=("s3://bucket/",))
