"""Chunk: documents in, their rows by shard out; a stage of its own only where enrichers come before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter
from indexes.runs.markers import Stage
from indexes.writing.document_chunker import DocumentChunker
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.document_rows import read_documents
from ray_jobs.stages.enrich import DocumentFiles, EnrichOutcome, make_enrich_outcome
from ray_jobs.stages.shard_files import ShardSizes, ShardWriter


class ChunkTask:
    """Chunks the documents of splits."""

    def __init__(self, ledger: Ledger, chunker: DocumentChunker, *, sizes: ShardSizes) -> None:
        self._ledger, self._chunker, self._sizes = ledger, chunker, sizes

    def __call__(self, payload: DocumentFiles) -> EnrichOutcome:
        """Chunk the documents of a split."""
        ledger, key = self._ledger, payload.key
        writer = ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.CHUNK, key, f"rows.{number}.shards"),
            n_shards=self._sizes.n_shards,
            schema=DELIVERED_SCHEMA,
            max_bytes=self._sizes.max_file_bytes,
        )
        letters = TaskLetters()
        for document in read_documents(ledger.store, payload.files):
            made = self._chunker.cut(document)
            if isinstance(made, DeadLetter):
                letters.add(made)
            else:
                writer.add(made)
        letters.write(ledger, Stage.CHUNK, key)
        return make_enrich_outcome(writer.close(), letters)


def open_chunk_task(
    ledger: Ledger, open_chunker: Callable[[], DocumentChunker], *, sizes: ShardSizes
) -> ChunkTask:
    """Return the task, its tokenizer loaded."""
    return ChunkTask(ledger, open_chunker(), sizes=sizes)


def make_chunk_stage(
    ledger: Ledger,
    documents: Iterable[DocumentFiles],
    open_chunker: Callable[[], DocumentChunker],
    *,
    sizes: ShardSizes,
) -> StageSpec[DocumentFiles, EnrichOutcome]:
    """Return the stage that chunks what enrichers have left."""
    return StageSpec(
        name=Stage.CHUNK,
        payloads=tuple(documents),
        make_task=partial(open_chunk_task, ledger, open_chunker, sizes=sizes),
        outcome=EnrichOutcome,
    )
