from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.errors import SourceError
from indexes.exchange.array_files import describe_array, describe_ids, read_ids, read_rows
from indexes.storage.local import LocalStore

VECTORS = np.arange(15, dtype=np.float32).reshape(5, 3)
IDS = np.array([7, 1, 9, 3, 2**62], dtype=np.int64)


def write_npy(path, vectors=VECTORS):
    np.save(path, vectors)


def write_fvecs(path):
    lengths = np.full((5, 1), 3, dtype="<i4").view("<f4")
    np.hstack([lengths, VECTORS]).astype("<f4").tofile(path)


def write_flat(path, index=None):
    index = index or faiss.IndexFlatIP(3)
    index.add(VECTORS)
    faiss.write_index(index, str(path))


def write_map(path, kind=faiss.IndexIDMap2):
    index = kind(faiss.IndexFlatIP(3))
    index.add_with_ids(VECTORS, IDS)
    faiss.write_index(index, str(path))


FILES = {
    "v.npy": write_npy,
    "v.fvecs": write_fvecs,
    "flat.faiss": write_flat,
    "l2.faiss": lambda path: write_flat(path, faiss.IndexFlatL2(3)),
    "map.index": write_map,
    "old.faiss": lambda path: write_map(path, faiss.IndexIDMap),
}


def describe(folder, name):
    return describe_array(LocalStore(folder), name, size=(folder / name).stat().st_size)


@pytest.mark.parametrize("name", FILES)
def test_any_rows_come_back_as_they_were_written(tmp_path, name):
    FILES[name](tmp_path / name)
    file = describe(tmp_path, name)
    assert (file.n_rows, file.dim) == (5, 3)
    for start in range(5):
        for end in range(start, 6):
            rows = read_rows(LocalStore(tmp_path), file, start, end)
            assert rows.dtype == np.float32
            assert np.array_equal(rows, VECTORS[start:end])
    if file.ids >= 0:
        assert np.array_equal(read_ids(LocalStore(tmp_path), file, 1, 5), IDS[1:])
    assert (file.ids >= 0) == (name in ("map.index", "old.faiss"))


@pytest.mark.parametrize("kind", ["<f2", "<f8", ">f4"])
def test_numbers_of_another_width_or_order_are_read_as_what_they_are(tmp_path, kind):
    write_npy(tmp_path / "v.npy", VECTORS.astype(kind))
    rows = read_rows(LocalStore(tmp_path), describe(tmp_path, "v.npy"), 1, 3)
    assert np.array_equal(rows.astype(np.float32), VECTORS[1:3])


@pytest.mark.parametrize(
    ("array", "part"),
    [
        (np.arange(3), r"expected float16, float32 or float64 \[rows, numbers\], found int64 \[3\]"),
        (np.asfortranarray(VECTORS), "expected numbers in C order"),
        (np.array([[object()]]), "expected numbers in C order"),
    ],
)
def test_an_array_that_holds_no_vectors_is_refused(tmp_path, array, part):
    np.save(tmp_path / "v.npy", array, allow_pickle=True)
    with pytest.raises(SourceError, match=part):
        describe(tmp_path, "v.npy")


@pytest.mark.parametrize("index", [faiss.IndexHNSWFlat(3, 4), faiss.IndexScalarQuantizer(3, 0)])
def test_an_index_without_its_vectors_one_after_the_other_is_refused(tmp_path, index):
    index.train(VECTORS)
    write_flat(tmp_path / "v.faiss", index)
    with pytest.raises(SourceError, match="not a FAISS index that import can read .*IndexFlatIP"):
        describe(tmp_path, "v.faiss")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_or_longer_is_refused(tmp_path, name):
    FILES[name](tmp_path / name)
    data = (tmp_path / name).read_bytes()
    for other in [data[:length] for length in range(len(data))] + [data + b"\0"]:
        (tmp_path / name).write_bytes(other)
        if name == "v.fvecs" and len(other) % 16 == 0 and other:
            assert describe(tmp_path, name).n_rows == len(other) // 16  # fewer whole vectors: no header tells
            continue
        with pytest.raises(SourceError):
            describe(tmp_path, name)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_garbage_is_an_error_or_an_array_within_the_file(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("garbage")
    FILES[name](folder / name)
    good = bytearray((folder / name).read_bytes())
    for place in data.draw(st.lists(st.integers(0, min(len(good), 140) - 1), min_size=1, max_size=4)):
        good[place] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(bytes(good))
    try:
        file = describe(folder, name)
        rows = read_rows(LocalStore(folder), file, 0, file.n_rows)
    except SourceError:
        return
    assert rows.nbytes <= len(good)


def test_a_vector_of_another_length_within_a_file_is_named(tmp_path):
    write_fvecs(tmp_path / "v.fvecs")
    data = bytearray((tmp_path / "v.fvecs").read_bytes())
    data[32] = 2
    (tmp_path / "v.fvecs").write_bytes(bytes(data))
    with pytest.raises(SourceError, match="row 3 has length 2, row 1 3"):
        read_rows(LocalStore(tmp_path), describe(tmp_path, "v.fvecs"), 1, 4)


def test_ids_are_whole_numbers_one_a_row(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    size = (tmp_path / "ids.npy").stat().st_size
    assert describe_ids(LocalStore(tmp_path), "ids.npy", size=size).n_rows == 5
    np.save(tmp_path / "ids.npy", VECTORS)
    with pytest.raises(SourceError, match=r"expected int64 \[rows\], found float32 \[5, 3\]"):
        describe_ids(LocalStore(tmp_path), "ids.npy", size=(tmp_path / "ids.npy").stat().st_size)
