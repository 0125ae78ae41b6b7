"""Ingest: a partition of the source in, chunk rows by shard out.

Parses, maps and chunks; what cannot become a document is a dead letter and never stops the rest.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from eagleray.chunking.config import ChunkerConfig
from eagleray.chunking.counting import HuggingFaceCounter
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.manifests import CollectionSpec
from eagleray.contracts.ports import Store, TokenCounter
from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping import Mapping, apply_mapping
from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.documents.records import InputFile
from eagleray.embedders import find_tokenizer
from eagleray.errors import ObjectNotFoundError, StoreError
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.setting_groups.parsing import ParsingSettings
from indexes.runs.markers import Stage
from indexes.writing.delivering import choose_chunker, make_rows
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.plans.partitions import Partition, Piece
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.shard_files import ShardWriter

_OF_FILE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO}
)
"""Failures of one file while the others can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How records become chunks.

    Attributes:
        source: name of the source, the first part of every row's `source`.
        parsers: read the files.
        chunker_digest: part of every chunk id.
        max_record_bytes: a longer line, or file that is one document, becomes a dead letter.
        max_file_bytes: rows in memory that become one shard file.
    """

    source: str
    parsers: ParserPool
    mapping: Mapping
    counter: TokenCounter
    chunker: ChunkerConfig
    chunker_digest: str
    n_shards: int
    max_record_bytes: int
    max_file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOutcome:
    """What was read of a partition.

    Attributes:
        files: paths of its shard files of chunk rows.
        faulty: paths of the input files with dead letters.
        n_documents: read and chunked.
        n_dead_letters: pieces of input that were set aside.
        vectors: paths of shard files of the vectors that came with the rows; `None` where none came.
    """

    files: tuple[str, ...]
    faulty: tuple[str, ...]
    n_documents: int
    n_dead_letters: int
    vectors: tuple[str, ...] | None = None


def is_of_file(error: StoreError) -> bool:
    """Return whether one file of the source cannot be read, as opposed to the source itself."""
    if isinstance(error, ObjectNotFoundError):
        return True
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _OF_FILE


class IngestTask:
    """Ingests the partitions of a run."""

    def __init__(self, ledger: Ledger, source: Store, reading: Reading) -> None:
        self._ledger = ledger
        self._source = source
        self._reading = reading

    def __call__(self, payload: Partition) -> IngestOutcome:
        """Ingest a partition: ranges of files."""
        ledger, key = self._ledger, payload.key
        writer = ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.INGEST, key, f"{number}.shards"),
            n_shards=self._reading.n_shards,
            schema=DELIVERED_SCHEMA,
            max_bytes=self._reading.max_file_bytes,
        )
        letters = TaskLetters()
        faulty: list[str] = []
        n_documents = 0
        for piece in payload.pieces:
            n_before = letters.n
            for item in self._read(piece):
                if isinstance(item, DeadLetter):
                    letters.add(item)
                else:
                    writer.add(item)
                    n_documents += 1
            if letters.n > n_before:
                faulty.append(piece.file.path)
        letters.write(ledger, Stage.INGEST, key)
        return IngestOutcome(
            files=tuple(writer.close()),
            faulty=tuple(faulty),
            n_documents=n_documents,
            n_dead_letters=letters.n,
        )

    def _read(self, piece: Piece) -> Iterator[pa.Table | DeadLetter]:
        """Yield the rows of each document, and dead letters."""
        path, size = piece.file.path, piece.file.size_bytes
        file = InputFile(source=f"{self._reading.source}/{path}", modified=piece.file.modified)
        records = self._reading.parsers.parse_partition(
            lambda start, end: self._source.read_range(path, start, end),
            file,
            start=piece.start,
            end=piece.end,
            size=size,
            max_record_bytes=self._reading.max_record_bytes,
        )
        try:
            if not size:
                self._source.read_range(path, 0, 0)  # no parser opens a file of no bytes
            for record in records:
                yield self._make_rows(record)
        except StoreError as error:
            if not is_of_file(error):
                raise
            is_gone = isinstance(error, ObjectNotFoundError)
            detail = "the file vanished, or is a link to nothing" if is_gone else str(error.__cause__)
            yield file.reject(DeadLetterReason.UNREADABLE_FILE, f"{detail}; put it right and retry")

    def _make_rows(self, record: RawRecord | DeadLetter) -> pa.Table | DeadLetter:
        document = record if isinstance(record, DeadLetter) else apply_mapping(self._reading.mapping, record)
        if isinstance(record, DeadLetter) or isinstance(document, DeadLetter):
            return document
        try:
            return self._chunk(document, record.position)
        except Exception as error:  # noqa: BLE001 - one document that cannot be cut must not end the run
            detail = f"it cannot be cut into chunks ({type(error).__name__})"
            return record.reject(DeadLetterReason.PARSER_FAILED, detail)

    def _chunk(self, document: Document, position: str) -> pa.Table:
        reading = self._reading
        return make_rows(
            document,
            position=position,
            counter=reading.counter,
            chunker=reading.chunker,
            chunker_digest=reading.chunker_digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What a worker needs to know before it opens its parsers and its tokenizer.

    Attributes:
        mapping: what makes documents of records.
        parsing: limits of the parsers.
        embedder: whose tokens chunks are measured in.
        max_record_bytes: a longer line, or file that is one document, becomes a dead letter.
    """

    plan: RunPlan
    spec: CollectionSpec
    mapping: Mapping
    parsing: ParsingSettings
    embedder: EmbedderSettings
    max_record_bytes: int


def open_ingest_task(ledger: Ledger, source: Store, config: IngestConfig) -> IngestTask:
    """Return the task, its parsers and tokenizer opened."""
    reading = Reading(
        source=config.plan.source,
        parsers=open_parsers(config.parsing),
        mapping=config.mapping,
        counter=_load_counter(find_tokenizer(config.embedder)),
        chunker=choose_chunker(config.spec.chunker),
        chunker_digest=config.spec.chunker_digest,
        n_shards=config.plan.n_shards,
        max_record_bytes=config.max_record_bytes,
        max_file_bytes=config.plan.sizes.file_bytes,
    )
    return IngestTask(ledger, source, reading)


def make_ingest_stage(
    ledger: Ledger, source: Store, config: IngestConfig
) -> StageSpec[Partition, IngestOutcome]:
    """Return the stage that parses and chunks a source's partitions."""
    plan = replace(config.plan, marks={}, reread=frozenset(), gone=frozenset(), partitions=())
    return StageSpec(
        name=Stage.INGEST,
        payloads=config.plan.partitions,
        make_task=partial(open_ingest_task, ledger, source, replace(config, plan=plan)),
        outcome=IngestOutcome,
    )


@lru_cache(maxsize=2)
def open_parsers(settings: ParsingSettings) -> ParserPool:
    """Return the parsers of this process; one pool for equal settings."""
    return ParserPool(choose_limits(settings))


@lru_cache(maxsize=2)
def _load_counter(tokenizer: Path) -> HuggingFaceCounter:
    return HuggingFaceCounter(tokenizer)
