"""Embed: a chunk file in, a vector file of the same rows out.

A shard is embedded as one list in the order of its chunk ids, so its bits depend on the shard
and the settings, never on the cluster.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import make_vector_schema
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.digests import canonical_json, digest_bytes
from eagleray.errors import ModelError
from indexes.runs.markers import Stage
from indexes.writing.embedding import compute_vectors
from ray_jobs.ledger import Ledger
from ray_jobs.plans.probes import draw_probes
from ray_jobs.stages.shard_files import read_parquet, write_parquet

LABEL: Final = b"eagleray.embedder"
"""Key of a vector file's metadata under which stands what computed it."""


def embed_rows(rows: pa.Table, embedder: Embedder) -> pa.Table:
    """Return the vectors of chunk rows, in their order, as `make_vector_schema` says.

    Raises:
        ModelError: the embedder gave other vectors than it promises; names the first row.
    """
    vectors = compute_vectors(rows, embedder)
    return label_vectors(rows["chunk_id"].combine_chunks(), vectors, embedder.identity)


def label_vectors(chunk_ids: pa.Array, vectors: FloatMatrix, identity: EmbedderIdentity) -> pa.Table:
    """Return a vector file's table: float32 [n_rows, dim], and in its metadata what computed them."""
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float32())
    column = pa.FixedSizeListArray.from_arrays(flat, identity.dim)
    schema = make_vector_schema(identity.dim).with_metadata({LABEL: canonical_json(asdict(identity))})
    return pa.Table.from_arrays([chunk_ids, column], schema=schema)


def read_identity(vectors: pa.Table) -> EmbedderIdentity:
    """Return what computed the vectors of a vector file."""
    return EmbedderIdentity(**json.loads(vectors.schema.metadata[LABEL]))


def embed_probes(rows: pa.Table, embedder: Embedder) -> pa.Table:
    """Return the vectors of a shard's probes, embedded as questions: `zone`, `vector`."""
    columns = [rows[name].to_pylist() for name in ("chunk_id", "zone", "text")]
    probes = draw_probes(columns[0], columns[1], columns[2])
    vectors = np.ascontiguousarray(embedder.embed_queries([probe.text for probe in probes]))
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), embedder.identity.dim)
    return pa.table({"zone": [probe.zone for probe in probes], "vector": column})


class EmbedTask:
    """Embeds the chunk files of a run; holds one embedder."""

    def __init__(self, ledger: Ledger, embedder: Embedder) -> None:
        self._ledger = ledger
        self._embedder = embedder

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Embed the chunk file `payload["chunks"]` of shard `payload["shard"]`.

        Raises:
            ModelError: the embedder failed; names the shard, and the row where it is known.
        """
        ledger, key = self._ledger, f"{payload['shard']:06d}"
        done = ledger.find(Stage.EMBED, key)
        if done is not None:
            return done
        path = f"{ledger.collection}/chunks/{payload['chunks']}.parquet"
        rows = read_parquet(ledger.store, path, digest=payload["chunks"])
        started = time.perf_counter()
        try:
            vectors = embed_rows(rows, self._embedder)
        except ModelError as error:
            detail = f"shard {key}: {error.detail}; nothing is published"
            raise ModelError(model=error.model, detail=detail) from error
        files = write_vectors(ledger, key, vectors, probes=embed_probes(rows, self._embedder))
        seconds = round(time.perf_counter() - started, 3)
        outcome = {"shard": payload["shard"], **files, "n_rows": rows.num_rows, "seconds": seconds}
        return ledger.record(Stage.EMBED, key, outcome)


def write_vectors(ledger: Ledger, key: str, vectors: pa.Table, *, probes: pa.Table) -> dict[str, str]:
    """Write a shard's vector file and its probes, and return their names and digests."""
    data, of_probes = write_parquet(vectors), write_parquet(probes)
    digest = digest_bytes(data)
    ledger.store.write(f"{ledger.collection}/vectors/{digest}.parquet", data)
    path = ledger.locate(Stage.EMBED, key, "probes.parquet")
    ledger.store.write(path, of_probes)
    return {"vectors": digest, "probes": path, "probes_digest": digest_bytes(of_probes)}
