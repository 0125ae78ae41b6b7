"""Build: chunk and vector files of one zone in, one published segment out."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.ports import FloatMatrix
from indexes.runs.markers import Stage
from indexes.segments.codebooks import load_codebook
from indexes.segments.publishing import publish_segment
from indexes.segments.vectors import align_vectors, stack_vectors
from indexes.segments.writing import write_segment
from ray_jobs.ledger import Ledger
from ray_jobs.stages.embed import read_identity
from ray_jobs.stages.shard_files import read_parquet


class BuildTask:
    """Builds the segments of a run."""

    def __init__(self, ledger: Ledger, *, texts: Collection[str], device: str) -> None:
        self._ledger = ledger
        self._texts, self._device = frozenset(texts), device

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Build the rows of `payload["zone"]` in the files `payload["parts"]` names.

        The segment has inverted lists where `payload["codebook"]` names a codebook.
        """
        ledger, key, zone = self._ledger, payload["key"], payload["zone"]
        done = ledger.find(Stage.BUILD, key)
        if done is not None:
            return done
        with tempfile.TemporaryDirectory(prefix="eagleray-segment-") as scratch:
            parts = [self._read_rows(part["chunks"], zone=zone) for part in payload["parts"]]
            embedder = read_identity(self._read("vectors", payload["parts"][0]["vectors"]))
            vectors = (
                self._read_vectors(part["vectors"], rows)
                for part, rows in zip(payload["parts"], parts, strict=True)
            )
            stacked = stack_vectors(vectors, Path(scratch) / "vectors")
            rows = pa.concat_tables(parts).combine_chunks()
            del parts
            folder = Path(scratch) / "segment"
            name = payload["codebook"]
            written = write_segment(
                rows,
                stacked,
                zone=zone,
                embedder=embedder,
                folder=folder,
                texts=self._texts,
                codebook=load_codebook(ledger.store, ledger.collection, name) if name else None,
                device=self._device,
            )
            digest = publish_segment(ledger.store, folder, collection=ledger.collection)
        types = {name: list(kinds) for name, kinds in written.attributes.items()}
        return ledger.record(
            Stage.BUILD, key, {"segment": digest, "n_rows": rows.num_rows, "attributes": types}
        )

    def _read_rows(self, digest: str, *, zone: str) -> pa.Table:
        rows = self._read("chunks", digest)
        return rows.filter(pc.equal(rows["zone"], zone))

    def _read_vectors(self, digest: str, rows: pa.Table) -> FloatMatrix:
        """Return the vectors of these rows out of a vector file, which may hold those of other zones."""
        vectors = self._read("vectors", digest)
        is_mine = pc.is_in(vectors["chunk_id"], value_set=rows["chunk_id"].combine_chunks())
        return align_vectors(rows, vectors.filter(is_mine))

    def _read(self, kind: str, digest: str) -> pa.Table:
        path = f"{self._ledger.collection}/{kind}/{digest}.parquet"
        return read_parquet(self._ledger.store, path, digest=digest)
