"""Ingest: a split of the source in, chunk rows by shard out.

Every record becomes chunk rows, with its vector beside them where it brought one; what cannot become a
document is a dead letter and never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from eagleray.chunking.config import ChunkerConfig
from eagleray.chunking.counting import HuggingFaceCounter
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.manifests import CollectionSpec
from eagleray.contracts.ports import TokenCounter
from eagleray.contracts.sources import RawRecord, Source, SourceFactory, Split, Tombstone
from eagleray.documents.mapping import Mapping, apply_mapping
from eagleray.embedders import find_tokenizer
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import Settings
from indexes.runs.markers import Stage
from indexes.writing.arranging import TOMBSTONE_SCHEMA
from indexes.writing.delivering import choose_chunker, make_rows
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.shard_files import ShardWriter
from ray_jobs.stages.vector_rows import VectorRows


class MakeRows(Protocol):
    """Makes the chunk rows of a record."""

    def __call__(self, record: RawRecord) -> pa.Table | DeadLetter:
        """Return its rows as `DELIVERED_SCHEMA`, or why it has none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSizes:
    """How many shards there are, and the memory of rows that become one shard file."""

    n_shards: int
    max_file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOutcome:
    """What was read of a split.

    Attributes:
        files: paths of its shard files of chunk rows.
        faulty: parts of the source with dead letters.
        n_documents: read and chunked.
        n_dead_letters: pieces of input that were set aside.
        vectors: paths of shard files of the vectors that came with the rows; `None` where none came.
        tombstones: paths of shard files of documents that were removed.
    """

    files: tuple[str, ...]
    faulty: tuple[str, ...]
    n_documents: int
    n_dead_letters: int
    vectors: tuple[str, ...] | None = None
    tombstones: tuple[str, ...] = ()


class IngestTask:
    """Ingests the splits of a run."""

    def __init__(
        self, ledger: Ledger, source: Source[Any, Any], make_rows: MakeRows, *, sizes: ShardSizes
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._make_rows = make_rows
        self._sizes = sizes

    def __call__(self, payload: Split) -> IngestOutcome:
        """Ingest a split.

        Raises:
            StoreError: the source does not answer now.
            InputError: the source as a whole cannot be read.
        """
        rows = self._open_writer(payload.key, "rows", DELIVERED_SCHEMA)
        tombstones = self._open_writer(payload.key, "tombstones", TOMBSTONE_SCHEMA)
        vectors = VectorRows(rows, partial(self._open_writer, payload.key, "vectors"))
        letters = TaskLetters()
        faulty: set[str] = set()
        n_documents = 0
        with closing(self._source.read(payload)) as items:
            for item in items:
                if isinstance(item, Tombstone):
                    tombstones.add(_make_row(item))
                    continue
                made = item if isinstance(item, DeadLetter) else self._make_rows(item)
                if isinstance(made, DeadLetter):
                    letters.add(made)
                    faulty.add(made.source.removeprefix(f"{self._source.name}/"))
                    continue
                n_documents += 1
                if isinstance(item, RawRecord) and item.vector is not None:
                    vectors.add(made, item.vector)
                else:
                    rows.add(made)
        letters.write(self._ledger, Stage.INGEST, payload.key)
        of_vectors = vectors.close()
        return IngestOutcome(
            files=tuple(rows.close()),
            faulty=tuple(sorted(faulty)),
            n_documents=n_documents,
            n_dead_letters=letters.n,
            vectors=tuple(of_vectors) or None,
            tombstones=tuple(tombstones.close()),
        )

    def _open_writer(self, key: str, kind: str, schema: pa.Schema) -> ShardWriter:
        ledger = self._ledger
        return ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.INGEST, key, f"{kind}.{number}.shards"),
            n_shards=self._sizes.n_shards,
            schema=schema,
            max_bytes=self._sizes.max_file_bytes,
        )


class DocumentRows:
    """Makes a document of a record by the mapping, and chunks it."""

    def __init__(
        self, mapping: Mapping, counter: TokenCounter, *, chunker: ChunkerConfig, chunker_digest: str
    ) -> None:
        self._mapping = mapping
        self._counter = counter
        self._chunker = chunker
        self._chunker_digest = chunker_digest

    def __call__(self, record: RawRecord) -> pa.Table | DeadLetter:
        """Return the rows of a record's document."""
        document = apply_mapping(self._mapping, record)
        if isinstance(document, DeadLetter):
            return document
        try:
            return make_rows(
                document,
                position=record.position,
                counter=self._counter,
                chunker=self._chunker,
                chunker_digest=self._chunker_digest,
            )
        except Exception as error:  # noqa: BLE001 - one document that cannot be cut must not end the run
            detail = f"it cannot be cut into chunks ({type(error).__name__})"
            return record.reject(DeadLetterReason.PARSER_FAILED, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRowsFactory:
    """Opens what makes rows of documents, in a worker.

    Attributes:
        mapping: what makes documents of records.
        embedder: whose tokens chunks are measured in.
    """

    spec: CollectionSpec
    mapping: Mapping
    embedder: EmbedderSettings

    def __call__(self) -> DocumentRows:
        """Return it, its tokenizer loaded."""
        return DocumentRows(
            self.mapping,
            _load_counter(find_tokenizer(self.embedder)),
            chunker=choose_chunker(self.spec.chunker),
            chunker_digest=self.spec.chunker_digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What a worker opens its task from; holds no secret.

    Attributes:
        source: opens the source.
        settings: gets the settings that it is opened with.
        rows: opens what makes rows of its records.
    """

    source: SourceFactory
    settings: Callable[[], Settings]
    rows: Callable[[], MakeRows]
    sizes: ShardSizes


def open_ingest_task(ledger: Ledger, config: IngestConfig) -> IngestTask:
    """Return the task, its source opened."""
    return IngestTask(ledger, config.source(config.settings()), config.rows(), sizes=config.sizes)


def make_ingest_stage(
    ledger: Ledger, splits: Iterable[Split], config: IngestConfig
) -> StageSpec[Split, IngestOutcome]:
    """Return the stage that reads the splits of a source."""
    return StageSpec(
        name=Stage.INGEST,
        payloads=tuple(splits),
        make_task=partial(open_ingest_task, ledger, config),
        outcome=IngestOutcome,
    )


def _make_row(tombstone: Tombstone) -> pa.Table:
    row = {"doc_id": [tombstone.doc_id], "known_to": [tombstone.known_to]}
    return pa.table(row, schema=TOMBSTONE_SCHEMA)


@lru_cache(maxsize=2)
def _load_counter(tokenizer: Path) -> HuggingFaceCounter:
    return HuggingFaceCounter(tokenizer)
