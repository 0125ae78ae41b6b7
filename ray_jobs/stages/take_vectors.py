"""Take vectors: a chunk file in, the vectors that came with its rows out; stands in the place of embed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.embedders import open_embedder
from eagleray.errors import IntegrityError
from eagleray.setting_groups.engine import EmbedderSettings
from indexes.runs.markers import Stage
from indexes.writing.versions import name_reissue
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.embed import (
    ChunkFile,
    EmbedOutcome,
    embed_probes,
    label_vectors,
    read_chunks,
    write_vectors,
)
from ray_jobs.stages.row_versions import find_place
from ray_jobs.stages.shard_files import read_shard
from ray_jobs.stages.vector_rows import make_vector_schema


def find_vectors(chunks: pa.Table, taken: pa.Table) -> FloatMatrix:
    """Return the vector that came with each chunk: float32 [n_chunks, dim].

    A chunk of content that came back after something else replaced it has a version, and so an id, of
    another name than the row it is made of.

    Args:
        chunks: chunk rows of a shard.
        taken: vectors of the same shard, as `make_vector_schema` says; of equal ids the first counts.

    Raises:
        IntegrityError: a chunk has no vector.
    """
    places = [
        find_place(*key)
        for key in zip(*(taken[name].to_pylist() for name in ("source", "position")), strict=True)
    ]
    rows_of: dict[int, int] = {}
    versions_of: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
    columns = [taken[name].to_pylist() for name in ("chunk_id", "doc_id", "version", "ordinal")]
    for row in sorted(range(taken.num_rows), key=lambda row: places[row]):
        number, doc_id, version, ordinal = (column[row] for column in columns)
        rows_of.setdefault(number, row)
        versions_of[doc_id, ordinal].append((version, row))
    found = []
    for chunk in chunks.select(["chunk_id", "doc_id", "version", "ordinal", "known_from"]).to_pylist():
        own = rows_of.get(chunk["chunk_id"])
        of_text = versions_of[chunk["doc_id"], chunk["ordinal"]]
        found.append(_find_reissued(chunk, of_text) if own is None else own)
    column = taken["vector"].combine_chunks()
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    matrix: FloatMatrix = array.flatten().to_numpy().reshape(taken.num_rows, -1)
    return np.ascontiguousarray(matrix[np.array(found, dtype=np.int64)])


def _find_reissued(chunk: dict[str, Any], candidates: Sequence[tuple[str, int]]) -> int:
    for version, row in candidates:
        if name_reissue(version, chunk["known_from"]) == chunk["version"]:
            return row
    name = f"chunk {chunk['chunk_id']}"
    raise IntegrityError(path=name, expected="the vector it came with", found="none")


class TakeVectorsTask:
    """Finds the vectors of the chunk files of an import.

    Args:
        ledger: of the run.
        files: shard files of vectors.
        identity: what the vectors are recorded as.
        embedder: of their model; embeds a few sentences of each shard as questions, to learn efforts from.
    """

    def __init__(
        self, ledger: Ledger, files: Sequence[str], *, identity: EmbedderIdentity, embedder: Embedder
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._identity = identity
        self._embedder = embedder

    def __call__(self, payload: ChunkFile) -> EmbedOutcome:
        """Write the vector file of a chunk file."""
        ledger = self._ledger
        rows = read_chunks(ledger, payload)
        schema = make_vector_schema(self._identity.dim)
        taken = read_shard(ledger.store, self._files, payload.shard, schema=schema)
        vectors = label_vectors(rows["chunk_id"].combine_chunks(), find_vectors(rows, taken), self._identity)
        return write_vectors(ledger, payload, vectors, probes=embed_probes(rows, self._embedder))


def open_take_vectors_task(
    ledger: Ledger, files: Sequence[str], *, identity: EmbedderIdentity, embedder: EmbedderSettings
) -> TakeVectorsTask:
    """Return the task; its embedder loads its model when there is a question to embed."""
    return TakeVectorsTask(ledger, files, identity=identity, embedder=open_embedder(embedder))


def make_take_vectors_stage(
    ledger: Ledger,
    chunks: Iterable[ChunkFile],
    *,
    files: Sequence[str],
    identity: EmbedderIdentity,
    embedder: EmbedderSettings,
) -> StageSpec[ChunkFile, EmbedOutcome]:
    """Return the stage that finds the vectors that came with the rows of chunk files."""
    return StageSpec(
        name=Stage.EMBED,
        payloads=tuple(chunks),
        make_task=partial(open_take_vectors_task, ledger, files, identity=identity, embedder=embedder),
        outcome=EmbedOutcome,
        resources=WorkerResources(n_gpus=float(embedder.device == "cuda")),
        keeps_task=True,
    )
