"""Take in: rows that have vectors in, chunk rows and vectors by shard out; stands in the place of ingest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.ports import FloatMatrix
from eagleray.documents.parsing.tables import TableReader
from eagleray.documents.records import InputFile
from eagleray.setting_groups.parsing import ParsingSettings
from indexes.exchange.import_source import ImportSource, RowPiece, iterate_rows
from indexes.exchange.imported_rows import Decoder
from indexes.runs.markers import Stage
from ray_jobs.dead_letters import TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.ingest import IngestOutcome, open_parsers
from ray_jobs.stages.shard_files import ShardWriter

_KEYS = ("chunk_id", "doc_id", "version", "ordinal", "source", "position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How rows and vectors are read.

    Attributes:
        dim: numbers of a vector.
        is_normalised: whether vectors are scaled to length 1.
    """

    decoder: Decoder
    dim: int
    is_normalised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSizes:
    """How many shards there are, and the memory of rows that become one shard file."""

    n_shards: int
    max_file_bytes: int


def make_taken_schema(dim: int) -> pa.Schema:
    """Return the schema of vectors on their way to their chunk's shard."""
    fields = [DELIVERED_SCHEMA.field(name) for name in _KEYS]
    return pa.schema([*fields, pa.field("vector", pa.list_(pa.float32(), dim), nullable=False)])


class TakeInTask:
    """Reads the pieces of an import."""

    def __init__(
        self,
        ledger: Ledger,
        source: ImportSource,
        *,
        tables: TableReader,
        intake: Intake,
        sizes: ShardSizes,
        modified: dict[str, int],
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._tables = tables
        self._intake = intake
        self._sizes = sizes
        self._modified = modified

    def __call__(self, payload: RowPiece) -> IngestOutcome:
        """Read a piece.

        Raises:
            SourceError: its file cannot be read.
        """
        ledger, key = self._ledger, payload.key
        rows = self._open_writer(key, "rows", DELIVERED_SCHEMA)
        schema = make_taken_schema(self._intake.dim)
        vectors = self._open_writer(key, "vectors", schema)
        letters = TaskLetters()
        n_rows = 0
        for table, matrix, odd in self._read(payload):
            for letter in odd:
                letters.add(letter)
            n_rows += table.num_rows
            if table.num_rows:
                rows.add(table)
                column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), self._intake.dim)
                vectors.add(table.select(_KEYS).append_column(schema.field("vector"), column))
        letters.write(ledger, Stage.INGEST, key)
        return IngestOutcome(
            files=tuple(rows.close()),
            faulty=(),
            n_documents=n_rows,
            n_dead_letters=letters.n,
            vectors=tuple(vectors.close()),
        )

    def _read(self, piece: RowPiece) -> Iterator[tuple[pa.Table, FloatMatrix, list[DeadLetter]]]:
        """Yield chunk rows, their vectors, and dead letters, of some rows at a time."""
        file = InputFile(source=piece.path, modified=self._modified.get(piece.path, 0))
        intake = self._intake
        for first_row, rows, checked in iterate_rows(
            self._source, piece, tables=self._tables, dim=intake.dim, is_normalised=intake.is_normalised
        ):
            items = list(intake.decoder.decode(rows, checked, file, first_row=first_row))
            letters = [item for item in items if isinstance(item, DeadLetter)]
            taken = [item for item in items if not isinstance(item, DeadLetter)]
            table = pa.concat_tables([DELIVERED_SCHEMA.empty_table(), *(row for _, row in taken)])
            numbers = np.array([number for number, _ in taken], dtype=np.int64)
            matrix: FloatMatrix = checked.vectors[numbers]
            yield table.combine_chunks(), matrix, letters

    def _open_writer(self, key: str, kind: str, schema: pa.Schema) -> ShardWriter:
        ledger = self._ledger
        return ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.INGEST, key, f"{kind}.{number}.shards"),
            n_shards=self._sizes.n_shards,
            schema=schema,
            max_bytes=self._sizes.max_file_bytes,
        )


def open_take_in_task(
    ledger: Ledger,
    source: ImportSource,
    *,
    intake: Intake,
    sizes: ShardSizes,
    modified: dict[str, int],
    parsing: ParsingSettings,
) -> TakeInTask:
    """Return the task, its parsers opened."""
    tables = TableReader(open_parsers(parsing))
    return TakeInTask(ledger, source, tables=tables, intake=intake, sizes=sizes, modified=modified)


def make_take_in_stage(
    ledger: Ledger,
    source: ImportSource,
    *,
    intake: Intake,
    sizes: ShardSizes,
    modified: dict[str, int],
    parsing: ParsingSettings,
) -> StageSpec[RowPiece, IngestOutcome]:
    """Return the stage that reads rows with vectors, in the place of `make_ingest_stage`'s."""
    make_task = partial(
        open_take_in_task, ledger, source, intake=intake, sizes=sizes, modified=modified, parsing=parsing
    )
    return StageSpec(
        name=Stage.INGEST, payloads=tuple(source.pieces), make_task=make_task, outcome=IngestOutcome
    )
