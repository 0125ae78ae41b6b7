"""Ingest: a partition of the source in, chunk rows by shard out.

Parses, maps and chunks; what cannot become a document is a dead letter and never stops the rest.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from eagleray.chunking.config import ChunkerConfig
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.ports import Store, TokenCounter
from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping import Mapping, apply_mapping
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.records import InputFile
from eagleray.errors import ObjectNotFoundError, StoreError
from indexes.runs.markers import Stage
from indexes.writing.delivering import make_rows
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
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

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Ingest `payload["pieces"]`: ranges of files."""
        ledger, key = self._ledger, payload["key"]
        done = ledger.find(Stage.INGEST, key)
        if done is not None:
            return done
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
        for piece in payload["pieces"]:
            n_before = letters.n
            for item in self._read(piece):
                if isinstance(item, DeadLetter):
                    letters.add(item)
                else:
                    writer.add(item)
                    n_documents += 1
            if letters.n > n_before:
                faulty.append(piece["path"])
        letters.write(ledger, Stage.INGEST, key)
        outcome = {
            "files": writer.close(),
            "faulty": faulty,
            "n_documents": n_documents,
            "n_dead_letters": letters.n,
        }
        return ledger.record(Stage.INGEST, key, outcome)

    def _read(self, piece: dict[str, Any]) -> Iterator[pa.Table | DeadLetter]:
        """Yield the rows of each document, and dead letters."""
        path = piece["path"]
        file = InputFile(source=f"{self._reading.source}/{path}", modified=piece["modified"])
        records = self._reading.parsers.parse_partition(
            lambda start, end: self._source.read_range(path, start, end),
            file,
            start=piece["start"],
            end=piece["end"],
            size=piece["size"],
            max_record_bytes=self._reading.max_record_bytes,
        )
        try:
            if not piece["size"]:
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
