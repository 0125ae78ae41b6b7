"""Chunk: documents in, their rows by shard out; a stage of its own only where enrichers come before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa

from eagleray.chunking.config import ChunkerConfig
from eagleray.chunking.counting import HuggingFaceCounter
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.manifests import CollectionSpec
from eagleray.contracts.ports import TokenCounter
from eagleray.contracts.sources import Origin
from eagleray.embedders import find_tokenizer
from eagleray.setting_groups.engine import EmbedderSettings
from indexes.runs.markers import Stage
from indexes.writing.delivering import choose_chunker, make_rows
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.document_rows import read_documents
from ray_jobs.stages.enrich import DocumentFiles, EnrichOutcome
from ray_jobs.stages.shard_files import ShardSizes, ShardWriter


class DocumentChunker:
    """Cuts documents into chunk rows."""

    def __init__(self, counter: TokenCounter, *, chunker: ChunkerConfig, chunker_digest: str) -> None:
        self._counter = counter
        self._chunker, self._chunker_digest = chunker, chunker_digest

    def cut(self, document: Document) -> pa.Table | DeadLetter:
        """Return the rows of a document as `DELIVERED_SCHEMA`, or why it has none."""
        try:
            return make_rows(
                document,
                position=document.position,
                counter=self._counter,
                chunker=self._chunker,
                chunker_digest=self._chunker_digest,
            )
        except Exception as error:  # noqa: BLE001 - one document that cannot be cut must not end the run
            detail = f"it cannot be cut into chunks ({type(error).__name__})"
            origin = Origin(uri=document.source, position=document.position)
            return origin.reject(DeadLetterReason.PARSER_FAILED, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkerFactory:
    """Opens what chunks documents, in a worker.

    Attributes:
        embedder: whose tokens chunks are measured in.
    """

    spec: CollectionSpec
    embedder: EmbedderSettings

    def __call__(self) -> DocumentChunker:
        """Return it, its tokenizer loaded."""
        return DocumentChunker(
            _load_counter(find_tokenizer(self.embedder)),
            chunker=choose_chunker(self.spec.chunker),
            chunker_digest=self.spec.chunker_digest,
        )


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
        faulty: set[str] = set()
        for document in read_documents(ledger.store, payload.files):
            made = self._chunker.cut(document)
            if isinstance(made, DeadLetter):
                letters.add(made)
                faulty.add(made.source)
            else:
                writer.add(made)
        letters.write(ledger, Stage.CHUNK, key)
        return EnrichOutcome(
            files=tuple(writer.close()), faulty=tuple(sorted(faulty)), n_dead_letters=letters.n
        )


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


@lru_cache(maxsize=2)
def _load_counter(tokenizer: Path) -> HuggingFaceCounter:
    return HuggingFaceCounter(tokenizer)
