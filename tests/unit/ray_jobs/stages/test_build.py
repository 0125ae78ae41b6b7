from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.digests import digest_bytes
from eagleray.embedders.hashing import HashingEmbedder
from indexes.segments.opened_segment import open_segment
from indexes.storage.local import LocalStore
from ray_jobs.ledger import Ledger
from ray_jobs.plans.segments import EmbeddedShard, SegmentPlan
from ray_jobs.stages.build import BuildTask, PlannedSegment
from ray_jobs.stages.embed import ChunkFile, EmbedTask
from ray_jobs.stages.shard_files import read_parquet, write_parquet
from tests.small_collections import make_rows, make_table


class OtherMachine(HashingEmbedder):
    """Computes the same, elsewhere."""

    @property
    def identity(self):
        return replace(super().identity, instruction_set="avx512_bf16/GenuineIntel")


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path)


def embed(store, rows, *, shard, embedder):
    """Write a chunk file and its vector file, and return what a build task is told of them."""
    data = write_parquet(make_table(rows))
    chunks = digest_bytes(data)
    store.write(f"notes/chunks/{chunks}.parquet", data)
    task = EmbedTask(Ledger(Collection(store, "notes"), run_id="r"), embedder)
    outcome = task(ChunkFile(shard=shard, chunks=chunks))
    return EmbeddedShard(
        shard=shard, chunks=chunks, vectors=outcome.vectors, rows_by_zone={}, bytes_by_zone={}
    )


def read_rows(store, chunks):
    return read_parquet(store, f"notes/chunks/{chunks}.parquet", digest=chunks).to_pylist()


def build(store, parts, *, zone="default"):
    task = BuildTask(Ledger(Collection(store, "notes"), run_id="r"), texts=(), device="cpu")
    plan = SegmentPlan(zone=zone, parts=tuple(parts))
    return open_segment(Collection(store, "notes"), task(PlannedSegment(plan=plan, codebook=None)).segment)


@pytest.mark.parametrize("embedder", [HashingEmbedder(), OtherMachine()])
def test_a_segment_records_what_computed_its_vectors(store, embedder):
    parts = [embed(store, make_rows(np.random.default_rng(3)), shard=0, embedder=embedder)]
    assert build(store, parts).embedder == embedder.identity


def test_a_segment_holds_the_rows_of_its_zone_from_all_its_files(store):
    rng = np.random.default_rng(3)
    rows = make_rows(rng, n_documents=4)
    rows += make_rows(rng, n_documents=3, first=4, zone="tokyo")
    more = make_rows(rng, n_documents=2, first=7, zone="tokyo")
    parts = [
        embed(store, group, shard=shard, embedder=HashingEmbedder())
        for shard, group in enumerate((rows, more))
    ]
    view = build(store, parts, zone="tokyo")
    wanted = {row["chunk_id"]: row for row in rows + more if row["zone"] == "tokyo"}
    assert sorted(view.chunk_ids.tolist()) == sorted(wanted)
    texts = [f"{row['heading']}\n{row['text']}" if row["heading"] else row["text"] for row in wanted.values()]
    vectors = dict(zip(wanted, HashingEmbedder().embed_passages(texts), strict=True))
    for row, chunk_id in enumerate(view.chunk_ids.tolist()):
        assert np.array_equal(view.vectors[row], vectors[chunk_id])
