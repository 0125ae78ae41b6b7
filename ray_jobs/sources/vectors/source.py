"""Files of rows with vectors as a source: every record brings its vector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.ports import Store
from eagleray.contracts.sources import Position, RawRecord, SourcePlan, Split
from eagleray.documents.parsing.tables import TableReader
from eagleray.documents.records import InputFile
from eagleray.settings import Settings
from indexes.exchange.import_source import ImportFiles, RowPiece, iterate_rows
from indexes.exchange.imported_rows import make_vector_records
from ray_jobs.sources.files.listing import SourceFile, open_files
from ray_jobs.sources.files.source import identify_files
from ray_jobs.sources.parsers import open_parsers


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFiles:
    """Files of rows with vectors, as they were described once.

    Attributes:
        listed: all files of the import.
        files: what they hold.
        dim: numbers of a vector.
        is_normalised: whether vectors are scaled to length 1.
        decisions: what else decides the records.
    """

    listed: tuple[SourceFile, ...]
    files: ImportFiles
    dim: int
    is_normalised: bool
    decisions: Mapping[str, str | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSplit(Split):
    """A row group, or a range of a dataset, and when its file was last changed, microseconds."""

    piece: RowPiece
    modified: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorPlan(SourcePlan[VectorSplit]):
    """All rows; an import remembers no files, so the position stays as it was."""

    before: Position


class VectorSource:
    """Rows with vectors; all of them are read each time, and nothing that they lack is removed."""

    is_stream = False

    def __init__(self, store: Store, described: VectorFiles, *, name: str, tables: TableReader) -> None:
        self.name = name
        self._store = store
        self._described = described
        self._tables = tables

    @property
    def uri(self) -> str:
        """URL of the store that the files lie in."""
        return self._store.url

    def plan(self, position: Position) -> VectorPlan:
        """Return the row groups of all files."""
        described = self._described
        modified = {file.path: file.modified for file in described.listed}
        n_rows = Counter[str]()
        for piece in described.files.pieces:
            n_rows[piece.path] += piece.n_rows
        splits = tuple(
            VectorSplit(
                key=f"{piece.path}@{piece.group}",
                size_bytes=piece.file_bytes * piece.n_rows // n_rows[piece.path],
                piece=piece,
                modified=modified.get(piece.path, 0),
            )
            for piece in described.files.pieces
        )
        identity = identify_files(described.listed, read=described.listed)
        return VectorPlan(
            splits=splits,
            size_bytes=sum(file.size_bytes for file in described.listed),
            identity={**identity, "intake": dict(described.decisions)},
            before=position,
        )

    def read(self, split: VectorSplit) -> Generator[RawRecord | DeadLetter, None, None]:
        """Yield the rows of a split with their vectors.

        Raises:
            SourceError: the file cannot be read, or ids beside the vectors are not those of the rows.
        """
        described, piece = self._described, split.piece
        file = InputFile(source=f"{self.name}/{piece.path}", modified=split.modified)
        read = iterate_rows(
            self._store,
            described.files,
            piece=piece,
            tables=self._tables,
            dim=described.dim,
            is_normalised=described.is_normalised,
        )
        with closing(read) as found:
            for first_row, rows, checked in found:
                yield from make_vector_records(rows, checked, file, first_row=first_row)

    def position_after(self, plan: VectorPlan) -> Position:
        """Return the position that was planned from."""
        return plan.before


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSourceFactory:
    """Opens files of rows with vectors that were described before.

    Attributes:
        uri: of the folder or prefix they lie in.
        name: that rows are filed under.
    """

    uri: str
    name: str
    described: VectorFiles

    def __call__(self, settings: Settings) -> VectorSource:
        """Return the source, its parsers opened."""
        store = open_files(self.uri, s3=settings.s3)
        tables = TableReader(open_parsers(settings.parsing))
        return VectorSource(store, self.described, name=self.name, tables=tables)
