"""Train: what goes into a zone's codebook: rows by chance out of its vector files, and its probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.ports import FloatMatrix, Store
from indexes.segments.vectors import align_vectors
from ray_jobs.plans.segments import EmbeddedShard
from ray_jobs.plans.training import is_sampled
from ray_jobs.stages.shard_files import read_parquet

MAX_PROBES: Final = 1_280
"""Probes of a codebook: 256 to learn from, so that a recall of .994 is told from one of .99, and 1,024 that
the gate measures with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledShard:
    """A shard of which some rows of one zone are sampled: `rate` of each 2^20."""

    shard: EmbeddedShard
    zone: str
    rate: int


class SampleReader:
    """Reads the sampled rows of a shard; survives pickling, so that it can run where the shard is."""

    def __init__(self, store: Store, collection: str) -> None:
        self._store, self._collection = store, collection

    def __call__(self, payload: SampledShard) -> FloatMatrix:
        """Return the vectors of the sampled rows, by chunk_id: float32 [n, dim]."""
        rows = self._read("chunks", payload.shard.chunks)
        rows = rows.filter(pc.equal(rows["zone"], payload.zone)).select(["chunk_id"])
        chosen = [is_sampled(chunk_id, rate=payload.rate) for chunk_id in rows["chunk_id"].to_pylist()]
        rows = rows.filter(pa.array(chosen, pa.bool_())).sort_by("chunk_id")
        vectors = self._read("vectors", payload.shard.vectors)
        is_mine = pc.is_in(vectors["chunk_id"], value_set=rows["chunk_id"].combine_chunks())
        return align_vectors(rows, vectors.filter(is_mine))

    def _read(self, kind: str, digest: str) -> pa.Table:
        return read_parquet(self._store, f"{self._collection}/{kind}/{digest}.parquet", digest=digest)


def read_probes(store: Store, paths: Sequence[tuple[str, str]], *, zone: str) -> FloatMatrix:
    """Return the probes of a zone, at most `MAX_PROBES`, spread over the shards: float32 [n, dim].

    Args:
        store: where they lie.
        paths: name and digest of each shard's probes.
        zone: of the codebook.
    """
    found = []
    for path, digest in paths:
        table = read_parquet(store, path, digest=digest)
        column = table.filter(pc.equal(table["zone"], zone))["vector"].combine_chunks()
        found.append(column.flatten().to_numpy().reshape(len(column), column.type.list_size))
    probes = np.concatenate(found)
    step = max(1, -(-len(probes) // MAX_PROBES))
    return np.ascontiguousarray(probes[::step], dtype=np.float32)
