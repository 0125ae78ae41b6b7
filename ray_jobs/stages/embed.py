"""Embed: a chunk file in, a vector file of the same rows out.

A shard is embedded as one list in the order of its chunk ids, so its bits depend on the shard
and the settings, never on the cluster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import make_vector_schema
from eagleray.contracts.ports import Embedder
from eagleray.digests import digest_bytes
from indexes.segments.writing import list_texts
from ray_jobs.ledger import Ledger, Stage
from ray_jobs.stages.shard_files import read_parquet, write_parquet


def embed_rows(rows: pa.Table, embedder: Embedder) -> pa.Table:
    """Return the vectors of chunk rows, in their order, as `make_vector_schema` says."""
    vectors = embedder.embed_passages(list_texts(rows))
    dim = embedder.identity.dim
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float32())
    column = pa.FixedSizeListArray.from_arrays(flat, dim)
    return pa.Table.from_arrays([rows["chunk_id"].combine_chunks(), column], schema=make_vector_schema(dim))


class EmbedTask:
    """Embeds the chunk files of a run; holds one embedder."""

    def __init__(self, ledger: Ledger, embedder: Embedder) -> None:
        self._ledger = ledger
        self._embedder = embedder

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Embed the chunk file `payload["chunks"]` of shard `payload["shard"]`."""
        ledger, key = self._ledger, f"{payload['shard']:06d}"
        done = ledger.find(Stage.EMBED, key)
        if done is not None:
            return done
        path = f"{ledger.collection}/chunks/{payload['chunks']}.parquet"
        rows = read_parquet(ledger.store, path, digest=payload["chunks"])
        data = write_parquet(embed_rows(rows, self._embedder))
        digest = digest_bytes(data)
        ledger.store.write(f"{ledger.collection}/vectors/{digest}.parquet", data)
        return ledger.record(
            Stage.EMBED, key, {"shard": payload["shard"], "vectors": digest, "n_rows": rows.num_rows}
        )
