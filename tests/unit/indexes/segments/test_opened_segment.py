from __future__ import annotations

import hashlib
import shutil
import threading

import numpy as np
import pyarrow as pa
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.times import OPEN_END
from eagleray.digests import canonical_json, digest_bytes
from eagleray.errors import IntegrityError
from indexes.lexical.building import build_postings
from indexes.segments.opened_segment import open_segment
from indexes.segments.patching import PATCH_SCHEMA
from indexes.segments.segment_files import list_texts
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_rows, make_vectors, put_segment

ROWS = make_rows(np.random.default_rng(5), n_documents=8)
VECTORS = make_vectors(np.random.default_rng(6), len(ROWS))


class RemoteStore(LocalStore):
    """A local store that looks remote and counts its downloads."""

    def __init__(self, root):
        super().__init__(root)
        self.downloads = []

    def find_local(self, path):
        return None

    def download(self, path, local):
        self.downloads.append(path)
        super().download(path, local)


@pytest.fixture
def segment(tmp_path):
    store = LocalStore(tmp_path / "store")
    return store, put_segment(store, ROWS, VECTORS)


def test_a_segment_comes_back_row_for_row(segment):
    store, digest = segment
    view = open_segment(Collection(store, SPEC.name), digest)
    order = sorted(range(len(ROWS)), key=lambda row: (ROWS[row]["known_from"], ROWS[row]["chunk_id"]))
    rows = [ROWS[place] for place in order]
    assert view.digest == digest
    assert view.zone == "default"
    assert view.chunk_ids.tolist() == [row["chunk_id"] for row in rows]
    assert view.known_from.tolist() == [row["known_from"] for row in rows]
    assert view.known_to.tolist() == [OPEN_END] * len(rows)
    assert np.array_equal(view.vectors, VECTORS[order])
    assert view.rows["text"].to_pylist() == [row["text"] for row in rows]
    assert view.rows["page"].to_pylist() == [row["page"] for row in rows]
    years = view.rows["attr.integer.year"].to_pylist()
    assert [canonical_json(year).decode() in row["attributes"] for year, row in zip(years, rows, strict=True)]
    expected = [
        int.from_bytes(hashlib.sha256(row["doc_id"].encode()).digest()[:8], "big") >> 1 for row in rows
    ]
    assert view.documents.tolist() == expected
    postings = build_postings(list_texts(view.rows))
    assert np.array_equal(view.postings["body"].rows, postings.rows)
    assert np.array_equal(view.postings["body"].lengths, postings.lengths)


def test_mapped_arrays_cannot_be_written(segment):
    store, digest = segment
    view = open_segment(Collection(store, SPEC.name), digest)
    for array in (view.vectors, view.chunk_ids, view.known_from, view.known_to, view.group_bits):
        assert not array.flags.writeable


def test_patches_show_in_the_view_and_not_in_the_files(segment):
    store, digest = segment
    own = open_segment(Collection(store, SPEC.name), digest)
    change = {"chunk_id": int(own.chunk_ids[2]), "known_to": int(own.known_from[2]) + 5, "groups": ["desk"]}
    patch = pa.Table.from_pylist([change], schema=PATCH_SCHEMA)
    view = open_segment(Collection(store, SPEC.name), digest, patches=[patch])
    assert view.known_to[2] == change["known_to"]
    assert view.group_names == (*own.group_names, "desk")
    assert np.unpackbits(view.group_bits[-1], bitorder="little").nonzero()[0].tolist() == [2]
    assert open_segment(Collection(store, SPEC.name), digest).known_to[2] == OPEN_END


@pytest.mark.parametrize("is_remote", [False, True])
def test_every_damaged_file_is_named(segment, is_remote, tmp_path):
    store, digest = segment
    opened = RemoteStore(tmp_path / "store") if is_remote else store
    for item in list(store.list(f"{SPEC.name}/segments/{digest}")):
        data = store.read(item.path)
        name = item.path.rpartition("/")[2]
        for damaged in (data[:-1], data + b"x", bytes([data[0] ^ 1]) + data[1:], None):
            if damaged is None:
                store.delete(item.path)
            else:
                store.write(item.path, damaged)
            with pytest.raises(IntegrityError, match=name):
                open_segment(Collection(opened, SPEC.name), digest)
        store.write(item.path, data)
    assert open_segment(Collection(opened, SPEC.name), digest).n_rows == len(ROWS)


@pytest.mark.parametrize("name", ["rows.arrow", "vectors.npy", "groups.bin"])
def test_files_that_a_manifest_vouches_for_are_still_checked_for_shape(segment, name, tmp_path):
    store, digest = segment
    folder = f"{SPEC.name}/segments/{digest}"
    manifest = store.read(f"{folder}/segment.json").decode()
    old = store.read(f"{folder}/{name}")
    for new in (b"", b"garbage", old[: len(old) // 2]):
        entry = f'"sha256":"{digest_bytes(old)}","size_bytes":{len(old)}'
        assert entry in manifest
        forged = manifest.replace(entry, f'"sha256":"{digest_bytes(new)}","size_bytes":{len(new)}').encode()
        target = tmp_path / "store" / SPEC.name / "segments" / digest_bytes(forged)
        shutil.copytree(tmp_path / "store" / folder, target)
        (target / "segment.json").write_bytes(forged)
        (target / name).write_bytes(new)
        with pytest.raises(IntegrityError, match=name):
            open_segment(Collection(store, SPEC.name), digest_bytes(forged))
        shutil.rmtree(target)


def test_a_remote_segment_is_downloaded_once_into_the_cache(segment, tmp_path):
    remote, digest = RemoteStore(tmp_path / "store"), segment[1]
    first = open_segment(Collection(remote, SPEC.name), digest, cache=tmp_path / "cache")
    n_downloads = len(remote.downloads)
    second = open_segment(Collection(remote, SPEC.name), digest, cache=tmp_path / "cache")
    assert n_downloads == len(set(remote.downloads)) == len(remote.downloads)
    assert np.array_equal(first.vectors, second.vectors)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def test_a_damaged_copy_in_the_cache_is_fetched_again(segment, tmp_path):
    remote, digest = RemoteStore(tmp_path / "store"), segment[1]
    open_segment(Collection(remote, SPEC.name), digest, cache=tmp_path / "cache")
    (tmp_path / "cache" / digest / "vectors.npy").write_bytes(b"damage")
    view = open_segment(Collection(remote, SPEC.name), digest, cache=tmp_path / "cache")
    assert view.n_rows == len(ROWS)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def test_threads_that_fetch_at_once_share_one_copy(segment, tmp_path):
    remote, digest = RemoteStore(tmp_path / "store"), segment[1]
    gate, views = threading.Barrier(6), []

    def fetch():
        gate.wait()
        views.append(open_segment(Collection(remote, SPEC.name), digest, cache=tmp_path / "cache"))

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(views) == 6
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def test_without_a_cache_a_remote_segment_leaves_no_file_behind(segment, tmp_path, monkeypatch):
    remote, digest = RemoteStore(tmp_path / "store"), segment[1]
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    view = open_segment(Collection(remote, SPEC.name), digest)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert view.rows["text"].to_pylist()[0] in [row["text"] for row in ROWS]
    assert np.isfinite(view.vectors).all()
