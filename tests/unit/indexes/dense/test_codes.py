"""How index files are opened; what they answer is in `tests/contract/dense`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eagleray.contracts.indexes import IndexKind
from eagleray.errors import IntegrityError
from indexes.dense.codes import (
    add_rows,
    make_lists,
    open_lists,
    read_labels,
    resize_encoder,
    train_encoder,
)

N_ROWS, DIM, N_LISTS = 2_000, 16, 4
KINDS = [kind for kind in IndexKind if kind is not IndexKind.FLAT]
MAPPED = (IndexKind.IVF_FLAT, IndexKind.IVF_SQ8, IndexKind.IVF_RABITQ4)


@pytest.fixture
def labels(rng):
    return rng.integers(0, N_LISTS, size=N_ROWS).astype(np.int32)


@pytest.fixture
def lists(rng):
    return make_lists(rng.standard_normal((N_LISTS, DIM)).astype(np.float32))


@pytest.fixture(params=KINDS, ids=str)
def kind(request):
    return request.param


@pytest.fixture
def path(kind, lists, labels, rng, tmp_path):
    """A file of an index."""
    vectors = rng.standard_normal((N_ROWS, DIM)).astype(np.float32)
    encoder = train_encoder(lists, vectors, kind=kind)
    path = tmp_path / "dense.faiss"
    path.write_bytes(add_rows(encoder, lists, vectors, labels, kind=kind))
    return path


def test_an_opened_file_holds_every_row_in_its_list_even_after_it_was_removed(path, lists, labels):
    index = open_lists(path, lists, n_rows=N_ROWS)
    path.unlink()
    np.testing.assert_array_equal(read_labels(index, n_rows=N_ROWS), labels)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
def test_lists_stay_in_their_file_where_the_kind_can_be_mapped(kind, path, lists):
    index = open_lists(path, lists, n_rows=N_ROWS)
    assert (str(path) in Path("/proc/self/maps").read_text()) == (kind in MAPPED)
    assert index.ntotal == N_ROWS


@pytest.mark.parametrize("left", [0.0, 0.01, 0.5, 1.0])
def test_a_file_that_was_cut_is_refused(path, lists, left):
    data = path.read_bytes()
    path.write_bytes(data[: max(0, int(left * len(data)) - 1)])
    with pytest.raises(IntegrityError):
        open_lists(path, lists, n_rows=N_ROWS)


def test_a_file_of_other_lists_or_rows_is_refused(path, lists, rng):
    others = make_lists(rng.standard_normal((N_LISTS + 1, DIM)).astype(np.float32))
    with pytest.raises(IntegrityError, match=f"{N_LISTS} lists of {DIM} numbers"):
        open_lists(path, others, n_rows=N_ROWS)
    with pytest.raises(IntegrityError, match=f"{N_ROWS + 1} rows"):
        open_lists(path, lists, n_rows=N_ROWS + 1)


@pytest.mark.parametrize("n_lists", [1, 3, 9])
def test_an_encoder_takes_other_lists_of_any_number(kind, lists, rng, n_lists, tmp_path):
    vectors = rng.standard_normal((N_ROWS, DIM)).astype(np.float32)
    other = make_lists(rng.standard_normal((n_lists, DIM)).astype(np.float32))
    encoder = resize_encoder(train_encoder(lists, vectors, kind=kind), other)
    labels = rng.integers(0, n_lists, size=N_ROWS).astype(np.int32)
    (tmp_path / "other.faiss").write_bytes(add_rows(encoder, other, vectors, labels, kind=kind))
    index = open_lists(tmp_path / "other.faiss", other, n_rows=N_ROWS)
    np.testing.assert_array_equal(read_labels(index, n_rows=N_ROWS), labels)
