"""Embed: a chunk file in, a vector file of the same rows out.

A shard is embedded as one list in the order of its chunk ids, so its bits depend on the shard
and the settings, never on the cluster. Beside its chunks some probes are embedded: sentences taken out of
chunks, which lie among the vectors as users' questions do, and from which each segment learns how hard a
search must try (`indexes.planning.efforts`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.chunking.sentences import pick_sentence
from eagleray.contracts.chunks import make_vector_schema
from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.digests import canonical_json, digest_bytes
from eagleray.embedders import load_embedder
from eagleray.errors import ModelError
from eagleray.setting_groups.engine import EmbedderSettings
from indexes.runs.markers import Stage
from indexes.writing.embedding import compute_vectors
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.shard_files import read_parquet, write_parquet

LABEL: Final = b"eagleray.embedder"
"""Key of a vector file's metadata under which stands what computed it."""

MIN_PROBES: Final = 8
"""Probes of a shard and zone, if it has so many chunks."""

CHUNKS_PER_PROBE: Final = 16
"""Chunks for each probe: sentences are short, so they cost little beside the chunks."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeText:
    """A text to be embedded as a question, and the zone it comes from."""

    zone: str
    text: str


def draw_probes(chunk_ids: Sequence[int], zones: Sequence[str], texts: Sequence[str]) -> list[ProbeText]:
    """Return the probes of some chunks; the same for the same chunks in any order.

    Chunk ids are digests, so those with the least ids are a sample by chance.
    """
    probes = []
    for zone in sorted(set(zones)):
        mine = sorted(place for place, other in enumerate(zones) if other == zone)
        mine.sort(key=lambda place: chunk_ids[place])
        n = max(MIN_PROBES, len(mine) // CHUNKS_PER_PROBE)
        probes += [
            ProbeText(zone=zone, text=pick_sentence(texts[place], chunk_ids[place])) for place in mine[:n]
        ]
    return probes


def embed_probes(rows: pa.Table, embedder: Embedder) -> pa.Table:
    """Return the vectors of a shard's probes, embedded as questions: `zone`, `vector`."""
    columns = [rows[name].to_pylist() for name in ("chunk_id", "zone", "text")]
    probes = draw_probes(columns[0], columns[1], columns[2])
    vectors = np.ascontiguousarray(embedder.embed_queries([probe.text for probe in probes]))
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), embedder.identity.dim)
    return pa.table({"zone": [probe.zone for probe in probes], "vector": column})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFile:
    """A shard's new chunks: the digest that names their file."""

    shard: int
    chunks: str

    @property
    def key(self) -> str:
        """Name of the shard within its run."""
        return f"{self.shard:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedOutcome:
    """A shard's vector file.

    Attributes:
        vectors: digest that names it.
        probes: path of the vectors of the shard's probes.
        probes_digest: SHA-256 of their file.
        n_rows: vectors.
        seconds: spent on computing them; `None` where they came with their rows.
    """

    shard: int
    vectors: str
    probes: str
    probes_digest: str
    n_rows: int
    seconds: float | None = None


class EmbedTask:
    """Embeds the chunk files of a run; holds one embedder."""

    def __init__(self, ledger: Ledger, embedder: Embedder) -> None:
        self._ledger = ledger
        self._embedder = embedder

    def __call__(self, payload: ChunkFile) -> EmbedOutcome:
        """Embed a chunk file.

        Raises:
            ModelError: the embedder failed; names the shard, and the row where it is known.
        """
        rows = read_chunks(self._ledger, payload)
        started = time.perf_counter()
        try:
            vectors = embed_rows(rows, self._embedder)
        except ModelError as error:
            detail = f"shard {payload.key}: {error.detail}; nothing is published"
            raise ModelError(model=error.model, detail=detail) from error
        outcome = write_vectors(self._ledger, payload, vectors, probes=embed_probes(rows, self._embedder))
        return replace(outcome, seconds=round(time.perf_counter() - started, 3))


def read_chunks(ledger: Ledger, payload: ChunkFile) -> pa.Table:
    """Return the rows of a chunk file."""
    path = f"{ledger.collection.name}/chunks/{payload.chunks}.parquet"
    return read_parquet(ledger.store, path, digest=payload.chunks)


def write_vectors(ledger: Ledger, payload: ChunkFile, vectors: pa.Table, *, probes: pa.Table) -> EmbedOutcome:
    """Write a shard's vector file and its probes, and return their names and digests."""
    data, of_probes = write_parquet(vectors), write_parquet(probes)
    digest = digest_bytes(data)
    ledger.store.write(f"{ledger.collection.name}/vectors/{digest}.parquet", data)
    path = ledger.locate(Stage.EMBED, payload.key, "probes.parquet")
    ledger.store.write(path, of_probes)
    return EmbedOutcome(
        shard=payload.shard,
        vectors=digest,
        probes=path,
        probes_digest=digest_bytes(of_probes),
        n_rows=vectors.num_rows,
    )


def open_embed_task(ledger: Ledger, embedder: EmbedderSettings) -> EmbedTask:
    """Return the task, its model loaded."""
    return EmbedTask(ledger, load_embedder(embedder))


def make_embed_stage(
    ledger: Ledger, chunks: Iterable[ChunkFile], *, embedder: EmbedderSettings
) -> StageSpec[ChunkFile, EmbedOutcome]:
    """Return the stage that embeds chunk files."""
    return StageSpec(
        name=Stage.EMBED,
        payloads=tuple(chunks),
        make_task=partial(open_embed_task, ledger, embedder),
        outcome=EmbedOutcome,
        resources=WorkerResources(n_gpus=float(embedder.device == "cuda")),
        keeps_task=True,
    )
