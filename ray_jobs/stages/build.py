"""Build: chunk and vector files of one zone in, one published segment out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.manifests import EmbedderIdentity
from indexes.segments.publishing import publish_segment
from indexes.segments.writing import align_vectors, write_segment
from ray_jobs.ledger import Ledger, Stage
from ray_jobs.stages.embed import read_identity
from ray_jobs.stages.shard_files import read_parquet


class BuildTask:
    """Builds the segments of a run."""

    def __init__(self, ledger: Ledger, *, attributes: Mapping[str, AttributeType]) -> None:
        self._ledger = ledger
        self._attributes = dict(attributes)

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Build the rows of `payload["zone"]` in the files `payload["parts"]` names."""
        ledger, key, zone = self._ledger, payload["key"], payload["zone"]
        done = ledger.find(Stage.BUILD, key)
        if done is not None:
            return done
        chunks, vectors, embedder = self._read(payload["parts"], zone=zone)
        with tempfile.TemporaryDirectory(prefix="eagleray-segment-") as folder:
            write_segment(
                chunks,
                align_vectors(chunks, vectors),
                zone=zone,
                attributes=self._attributes,
                embedder=embedder,
                folder=Path(folder),
            )
            digest = publish_segment(ledger.store, Path(folder), collection=ledger.collection)
        return ledger.record(Stage.BUILD, key, {"segment": digest, "n_rows": chunks.num_rows})

    def _read(self, parts: list[dict[str, Any]], *, zone: str) -> tuple[pa.Table, pa.Table, EmbedderIdentity]:
        """Return the zone's chunk rows, their vectors, and what computed these in this run."""
        chunks, vectors, embedders = [], [], []
        for part in parts:
            store, collection = self._ledger.store, self._ledger.collection
            rows = read_parquet(store, f"{collection}/chunks/{part['chunks']}.parquet", digest=part["chunks"])
            path = f"{collection}/vectors/{part['vectors']}.parquet"
            embedded = read_parquet(store, path, digest=part["vectors"])
            embedders.append(read_identity(embedded))
            is_mine = pc.equal(rows["zone"], zone)
            chunks.append(rows.filter(is_mine))
            vectors.append(embedded.filter(is_mine))
        return (
            pa.concat_tables(chunks).combine_chunks(),
            pa.concat_tables(vectors).combine_chunks(),
            embedders[0],
        )
