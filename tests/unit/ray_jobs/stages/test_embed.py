from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.digests import digest_bytes
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import ModelError
from indexes.storage.local import LocalStore
from ray_jobs.ledger import Ledger
from ray_jobs.stages.embed import ChunkFile, EmbedTask, embed_rows
from ray_jobs.stages.shard_files import write_parquet
from tests.small_collections import make_rows, make_table


class BrokenEmbedder(HashingEmbedder):
    """Gives what `spoil` makes of right vectors."""

    def __init__(self, spoil):
        self._spoil = spoil

    def embed_passages(self, texts):
        return self._spoil(super().embed_passages(texts))


def put_nan(vectors):
    vectors[5, 7] = np.nan
    return vectors


def put_infinity(vectors):
    vectors[5, 7] = np.inf
    return vectors


def put_zeros(vectors):
    vectors[5] = 0
    return vectors


@pytest.fixture
def rows():
    return make_table(make_rows(np.random.default_rng(3)))


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (put_nan, "1 of {n} vectors are not of length 1: {row} has length nan"),
        (put_infinity, "1 of {n} vectors are not of length 1: {row} has length inf"),
        (put_zeros, "1 of {n} vectors are not of length 1: {row} has length 0"),
        (
            lambda vectors: vectors[:, :100],
            "expected {n} vectors of 384 numbers, found an array of [{n}, 100]",
        ),
        (lambda vectors: vectors[:-1], "expected {n} vectors of 384 numbers, found an array of [{m}, 384]"),
        (lambda vectors: vectors[0], "expected {n} vectors of 384 numbers, found an array of [384]"),
    ],
)
def test_vectors_that_are_none_are_refused_with_shard_and_row(rows, tmp_path, spoil, part):
    store = LocalStore(tmp_path)
    data = write_parquet(rows)
    store.write(f"notes/chunks/{digest_bytes(data)}.parquet", data)
    task = EmbedTask(Ledger(Collection(store, "notes"), run_id="r"), BrokenEmbedder(spoil))
    with pytest.raises(ModelError) as caught:
        task(ChunkFile(shard=3, chunks=digest_bytes(data)))
    doc_id, ordinal = rows["doc_id"][5].as_py(), rows["ordinal"][5].as_py()
    n, row = rows.num_rows, f"row 5 (document {doc_id!r}, chunk {ordinal})"
    assert str(caught.value).startswith("model hashing: shard 000003: ")
    assert part.format(n=n, m=n - 1, row=row) in str(caught.value)
    assert [item.path for item in store.list("notes/vectors")] == []
    assert [item.path for item in store.list("notes/runs")] == []


def test_right_vectors_stand_in_the_order_of_their_rows(rows):
    embedder = HashingEmbedder()
    table = embed_rows(rows, embedder)
    assert table["chunk_id"].equals(rows["chunk_id"])
    texts = [
        f"{row['heading']}\n{row['text']}" if row["heading"] else row["text"] for row in rows.to_pylist()
    ]
    assert np.array_equal(
        np.array(table["vector"].to_pylist(), dtype=np.float32), embedder.embed_passages(texts)
    )
