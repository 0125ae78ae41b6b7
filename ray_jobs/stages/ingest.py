"""Ingest: a split of the source in, chunk rows by shard out.

Every record becomes chunk rows, with its vector beside them where it brought one; what cannot become a
document is a dead letter and never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import pyarrow as pa

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import RawRecord, Source, Split, Tombstone
from eagleray.documents.mapping import Mapping, apply_mapping
from eagleray.models.item_progress import tell_done
from indexes.runs.markers import Stage
from indexes.writing.arranging import TOMBSTONE_SCHEMA
from indexes.writing.document_chunker import ChunkerFactory, DocumentChunker
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.document_rows import DOCUMENT_SCHEMA, make_document_row
from ray_jobs.stages.read_tally import ReadTally, TallyingReader
from ray_jobs.stages.shard_files import ShardSizes, ShardWriter
from ray_jobs.stages.vector_rows import VectorRows


class MakeRows(Protocol):
    """Makes the chunk rows of a record."""

    def __call__(self, record: RawRecord) -> pa.Table | DeadLetter:
        """Return its rows as `DELIVERED_SCHEMA`, or why it has none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOutcome:
    """What was read of a split.

    Attributes:
        files: paths of its shard files of chunk rows, or of documents where they are not chunked yet.
        faulty: parts of the source with dead letters.
        n_documents: that were read.
        n_dead_letters: pieces of input that were set aside.
        vectors: paths of shard files of the vectors that came with the rows; `None` where none came.
        tombstones: paths of shard files of documents that were removed.
        tally: what was read, file by file and field by field.
    """

    files: tuple[str, ...]
    faulty: tuple[str, ...]
    n_documents: int
    n_dead_letters: int
    vectors: tuple[str, ...] | None = None
    tombstones: tuple[str, ...] = ()
    tally: ReadTally = field(default_factory=ReadTally)


class IngestTask:
    """Ingests the splits of a run.

    Args:
        ledger: of the run.
        source: that is read.
        make_rows: makes chunk rows of its records, or rows of documents.
        sizes: of shard files.
        keeps_documents: whether rows are of documents, which stay in their order.
        mapping: whose fields are counted; `None` for none.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source[Any, Any],
        make_rows: MakeRows,
        *,
        sizes: ShardSizes,
        keeps_documents: bool = False,
        mapping: Mapping | None = None,
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._make_rows = make_rows
        self._sizes = sizes
        self._keeps_documents = keeps_documents
        self._mapping = mapping

    def __call__(self, payload: Split) -> IngestOutcome:
        """Ingest a split.

        Raises:
            StoreError: the source does not answer now.
            InputError: the source as a whole cannot be read.
        """
        if self._keeps_documents:
            rows = self._open_writer(payload.key, "documents", DOCUMENT_SCHEMA, n_shards=1)
        else:
            rows = self._open_writer(payload.key, "rows", DELIVERED_SCHEMA)
        tombstones = self._open_writer(payload.key, "tombstones", TOMBSTONE_SCHEMA)
        vectors = VectorRows(rows, partial(self._open_writer, payload.key, "vectors"))
        reader = TallyingReader(self._make_rows, self._mapping)
        with closing(self._source.read(payload)) as items:
            for item in items:
                tell_done(1)
                if isinstance(item, Tombstone):
                    tombstones.add(_make_row(item))
                    continue
                made = reader.read(item)
                if made is None:
                    continue
                if isinstance(item, RawRecord) and item.vector is not None:
                    vectors.add(made, item.vector)
                else:
                    rows.add(made)
        reader.letters.write(self._ledger, Stage.INGEST, payload.key)
        of_vectors, tally = vectors.close(), reader.close()
        return IngestOutcome(
            files=tuple(rows.close()),
            faulty=tuple(sorted(uri.removeprefix(f"{self._source.name}/") for uri in tally.faults)),
            n_documents=sum(tally.documents.values()),
            n_dead_letters=reader.letters.n,
            vectors=tuple(of_vectors) or None,
            tombstones=tuple(tombstones.close()),
            tally=tally,
        )

    def _open_writer(self, key: str, kind: str, schema: pa.Schema, *, n_shards: int = 0) -> ShardWriter:
        ledger = self._ledger
        return ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.INGEST, key, f"{kind}.{number}.shards"),
            n_shards=n_shards or self._sizes.n_shards,
            schema=schema,
            max_bytes=self._sizes.max_file_bytes,
        )


class DocumentRows:
    """Makes a document of a record by the mapping, and chunks it."""

    def __init__(self, mapping: Mapping, chunker: DocumentChunker) -> None:
        self._mapping, self._chunker = mapping, chunker

    def __call__(self, record: RawRecord) -> pa.Table | DeadLetter:
        """Return the rows of a record's document."""
        document = apply_mapping(self._mapping, record)
        return document if isinstance(document, DeadLetter) else self._chunker.cut(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRowsFactory:
    """Opens what makes chunk rows of records, in a worker.

    Attributes:
        mapping: what makes documents of records.
        chunker: opens what chunks them.
    """

    mapping: Mapping
    chunker: ChunkerFactory

    def __call__(self) -> DocumentRows:
        """Return it, its tokenizer loaded."""
        return DocumentRows(self.mapping, self.chunker())


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeDocuments:
    """Makes a document of a record by the mapping, and leaves it whole for the stages before chunking."""

    mapping: Mapping

    def __call__(self) -> MakeRows:
        """Return what makes rows of documents; it needs no opening."""
        return self._make_row

    def _make_row(self, record: RawRecord) -> pa.Table | DeadLetter:
        document = apply_mapping(self.mapping, record)
        return document if isinstance(document, DeadLetter) else make_document_row(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What a worker opens its task from; holds no secret.

    Attributes:
        open_source: opens the source.
        rows: opens what makes rows of its records.
        keeps_documents: whether those are rows of documents.
        mapping: whose fields are counted; `None` for none.
    """

    open_source: Callable[[], Source[Any, Any]]
    rows: Callable[[], MakeRows]
    sizes: ShardSizes
    keeps_documents: bool = False
    mapping: Mapping | None = None


def open_ingest_task(ledger: Ledger, config: IngestConfig) -> IngestTask:
    """Return the task, its source opened."""
    return IngestTask(
        ledger,
        config.open_source(),
        config.rows(),
        sizes=config.sizes,
        keeps_documents=config.keeps_documents,
        mapping=config.mapping,
    )


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
