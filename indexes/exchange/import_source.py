"""What an import reads: files of rows, and the column or the file beside them that holds their vectors."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa

from eagleray.contracts.exchange import VECTOR
from eagleray.contracts.ports import Store
from eagleray.documents.parsing.tables import TableError, TableFile, TableReader, TableRows
from eagleray.errors import SourceError
from indexes.exchange.array_files import ArrayFile, describe_array, describe_ids, read_ids, read_rows
from indexes.exchange.sinks.faiss import INDEX
from indexes.exchange.sinks.fvecs import FVECS
from indexes.exchange.sinks.lance import import_lance
from indexes.exchange.sinks.npy import IDS, VECTORS
from indexes.exchange.vector_checks import CheckedVectors, check_column, check_matrix, is_vector_type

_BATCH_ROWS: Final = 1_024
_LANCE_ROWS: Final = 65_536
_ARRAY_SUFFIXES: Final = (".npy", ".fvecs", ".faiss", ".index")
_LANCE: Final = ".lance"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPiece:
    """Rows one task reads: a row group of a Parquet file, or a range of a Lance dataset.

    Attributes:
        path: of the file or dataset.
        file_bytes: of the file; 0 for a dataset.
        group: its number within the file.
        file_row: first row within the file, from 0.
        first_row: first row within all files, from 0.
    """

    path: str
    file_bytes: int
    group: int
    file_row: int
    first_row: int
    n_rows: int

    @property
    def key(self) -> str:
        """Name of the piece within its import."""
        return f"{self.path}@{self.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFiles:
    """Files of rows and vectors, described so that they can be read in pieces wherever their store is opened.

    Attributes:
        file_schema: of the files of rows.
        schema: of the rows without vectors.
        column: with the vectors; `""` where they are in a file of their own.
        vectors: that file; row `i` of it belongs to row `i` of all rows.
        ids: file of the chunk ids of these rows, or `None`.
        dim: numbers of a vector where that is the same for all rows, else `None`.
    """

    pieces: tuple[RowPiece, ...]
    file_schema: pa.Schema
    schema: pa.Schema
    column: str
    vectors: ArrayFile | None = None
    ids: ArrayFile | None = None
    dim: int | None = None

    @property
    def n_rows(self) -> int:
        """Rows in all."""
        return sum(piece.n_rows for piece in self.pieces)


def describe_import(
    store: Store, sizes: Mapping[str, int], *, vectors: str, tables: TableReader
) -> ImportFiles:
    """Find out what the files of an import hold.

    Args:
        store: where they lie.
        sizes: every file's name and bytes.
        vectors: a column, or the name of a `.npy`, `.fvecs`, `.faiss` or `.index` file; empty takes what an
            export would have written: `vectors.npy`, `vectors.fvecs`, `index.faiss`, or else the column
            `vector`.
        tables: reads Parquet files.

    Raises:
        SourceError: there are no rows or no vectors, their numbers differ, or a file cannot be read.
        MissingExtraError: the rows are a Lance dataset and its package is not installed.
    """
    array = vectors if vectors.lower().endswith(_ARRAY_SUFFIXES) else ""
    if not vectors:
        array = next((name for name in (VECTORS, FVECS, INDEX) if name in sizes), "")
    if array and array not in sizes:
        raise SourceError(source=store.url, detail=f"there is no file {array!r} for the vectors")
    column = "" if array else vectors or VECTOR
    pieces, schema = _list_pieces(store, _find_row_files(store, sorted(sizes)), sizes, tables)
    rows, kind = _split(schema, column, store=store)
    file = describe_array(store, array, size=sizes[array]) if array else None
    files = ImportFiles(
        pieces=pieces,
        file_schema=schema,
        schema=rows,
        column=column,
        vectors=file,
        ids=describe_ids(store, IDS, size=sizes[IDS]) if array and IDS in sizes else None,
        dim=file.dim if file is not None else getattr(kind, "list_size", None),
    )
    for beside in (files.vectors, files.ids):
        if beside is not None and beside.n_rows != files.n_rows:
            detail = (
                f"it has {beside.n_rows} rows, the files of rows have {files.n_rows}; they must be as many"
            )
            raise SourceError(source=beside.path, detail=detail)
    return files


def iterate_rows(
    store: Store,
    files: ImportFiles,
    *,
    piece: RowPiece,
    tables: TableReader,
    dim: int,
    is_normalised: bool,
) -> Generator[tuple[int, pa.Table, CheckedVectors], None, None]:
    """Yield (first row within the file from 0, rows without vectors, their vectors), some at a time.

    Raises:
        SourceError: the file cannot be read, or the ids beside the vectors are not those of the rows.
    """
    done = 0
    for table in _read_tables(store, files, piece=piece, tables=tables):
        first = piece.first_row + done
        rows = table.select(files.schema.names)
        if files.vectors is None:
            column = table[files.column].combine_chunks()
            array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
            checked = check_column(array, dim=dim, is_normalised=is_normalised)
        else:
            matrix = read_rows(store, files.vectors, first, first + table.num_rows)
            _check_ids(store, files, rows=rows, first=first)
            checked = check_matrix(matrix, is_normalised=is_normalised)
        yield piece.file_row + done, rows, checked
        done += table.num_rows
    if done != piece.n_rows:
        raise SourceError(source=piece.path, detail=f"expected {piece.n_rows} rows in a piece, found {done}")


def _check_ids(store: Store, files: ImportFiles, *, rows: pa.Table, first: int) -> None:
    if files.vectors is None or "chunk_id" not in rows.column_names:
        return
    end, wanted = first + rows.num_rows, rows["chunk_id"].to_numpy()
    found = []
    if files.vectors.ids >= 0:
        found.append((files.vectors.path, read_ids(store, files.vectors, first, end)))
    if files.ids is not None:
        found.append((files.ids.path, read_rows(store, files.ids, first, end).reshape(-1)))
    for path, ids in found:
        off = np.flatnonzero(ids != wanted)
        if len(off):
            row = int(off[0])
            detail = f"row {first + row + 1} has the id {ids[row]}, but the rows' chunk_id is {wanted[row]}"
            raise SourceError(source=path, detail=f"{detail}; both must be in the same order")


def _find_row_files(store: Store, paths: Sequence[str]) -> list[str]:
    datasets = sorted(
        {head + _LANCE for path in paths for head, mark, _ in [path.partition(f"{_LANCE}/")] if mark}
    )
    tables = [path for path in paths if path.lower().endswith(".parquet") and f"{_LANCE}/" not in path]
    found = datasets or tables
    if not found:
        detail = (
            "it holds no rows; expected files that end in .parquet, or a Lance dataset that ends in .lance"
        )
        raise SourceError(source=store.url, detail=detail)
    return found


def _list_pieces(
    store: Store, paths: Sequence[str], sizes: Mapping[str, int], tables: TableReader
) -> tuple[tuple[RowPiece, ...], pa.Schema]:
    pieces: list[RowPiece] = []
    schema: pa.Schema | None = None
    total = 0
    for path in paths:
        size = sizes.get(path, 0)  # a dataset is a folder
        own, counts = _measure(store, path, size, tables)
        if schema is not None and not own.equals(schema):
            raise SourceError(source=path, detail=f"it has other columns than {paths[0]}")
        schema, in_file = own, 0
        for group, n_rows in enumerate(counts):
            piece = RowPiece(
                path=path, file_bytes=size, group=group, file_row=in_file, first_row=total, n_rows=n_rows
            )
            pieces += [piece] if n_rows else []
            in_file, total = in_file + n_rows, total + n_rows
    if schema is None or not total:
        raise SourceError(source=store.url, detail="its files hold no row")
    return tuple(pieces), schema


def _measure(store: Store, path: str, size: int, tables: TableReader) -> tuple[pa.Schema, Sequence[int]]:
    """Return the schema of a file of rows and the rows of each of its groups."""
    if path.endswith(_LANCE):
        dataset = _open_lance(store, path)
        n_rows = dataset.count_rows()
        return dataset.schema, [min(_LANCE_ROWS, n_rows - start) for start in range(0, n_rows, _LANCE_ROWS)]
    try:
        schema, counts = tables.describe(_locate(store, path, size))
    except TableError as error:
        raise SourceError(source=path, detail=f"it is not a readable Parquet file: {error}") from error
    return schema.remove_metadata(), counts


def _split(schema: pa.Schema, column: str, *, store: Store) -> tuple[pa.Schema, pa.DataType | None]:
    """Return the schema without the column of vectors, and that column's type."""
    if not column:
        return schema, None
    place = schema.get_field_index(column)
    if place < 0:
        detail = f"there is no column {column!r} for the vectors; found {', '.join(schema.names)}"
        raise SourceError(source=store.url, detail=f"{detail}; name it with --vectors")
    if not is_vector_type(schema.field(place).type):
        detail = f"column {column!r} must hold lists of float16, float32 or float64"
        raise SourceError(source=store.url, detail=f"{detail}, found {schema.field(place).type}")
    return schema.remove(place), schema.field(place).type


def _read_tables(
    store: Store, files: ImportFiles, *, piece: RowPiece, tables: TableReader
) -> Iterator[pa.Table]:
    try:
        if piece.path.endswith(_LANCE):
            scanner = _open_lance(store, piece.path).scanner(
                offset=piece.file_row, limit=piece.n_rows, batch_size=_BATCH_ROWS, scan_in_order=True
            )
            batches = scanner.to_batches()
        else:
            rows = TableRows(group=piece.group, start=0, end=piece.n_rows, columns=(), batch_rows=_BATCH_ROWS)
            file = _locate(store, piece.path, piece.file_bytes)
            batches = tables.read(file, rows, files.file_schema)
        for batch in batches:
            yield pa.Table.from_batches([batch])
    except (TableError, pa.ArrowException, OSError, ValueError) as error:
        why = str(error) if isinstance(error, TableError) else type(error).__name__
        detail = f"rows from {piece.file_row + 1} on cannot be read: {why}"
        raise SourceError(source=piece.path, detail=detail) from error


def _locate(store: Store, path: str, size: int) -> TableFile:
    return TableFile(path=path, size=size, read_range=partial(store.read_range, path))


def _open_lance(store: Store, path: str) -> Any:
    if not store.url.startswith("file:"):
        raise SourceError(source=store.url, detail="a Lance dataset is imported from a folder only")
    try:
        return import_lance().dataset(f"{unquote(urlsplit(store.url).path).rstrip('/')}/{path}")
    except (OSError, ValueError) as error:
        detail = f"it is not a readable Lance dataset ({type(error).__name__}); write it again"
        raise SourceError(source=path, detail=detail) from error
