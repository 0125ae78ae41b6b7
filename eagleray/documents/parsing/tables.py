"""Parquet files as tables, read in parsers' processes: rows of imports and of questions."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from eagleray.documents.parsing.limits import count_shares
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.parsing.process import EndedError, ParsePiece
from eagleray.documents.parsing.table_frames import decode_batch, decode_description
from eagleray.documents.reading import ReadRange
from eagleray.documents.records import InputFile


class TableError(Exception):
    """A file is no table that can be read; the text says why, and holds nothing of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """A Parquet file.

    Attributes:
        path: its name.
        size: bytes.
        read_range: reads it; its errors pass through, because they are the store's.
    """

    path: str
    size: int
    read_range: ReadRange


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """Rows `start` to `end` (exclusive) of a row group.

    Attributes:
        columns: that are read, in this order; none takes all of them.
        batch_rows: that are decoded at once.
    """

    group: int
    start: int
    end: int
    columns: tuple[str, ...]
    batch_rows: int


class TableReader:
    """Reads tables in the processes of a pool, within its limits.

    Args:
        parsers: the pool.
    """

    def __init__(self, parsers: ParserPool) -> None:
        self._parsers = parsers

    def describe(self, file: TableFile) -> tuple[pa.Schema, tuple[int, ...]]:
        """Return the columns of a file, and the rows of each of its row groups.

        Raises:
            TableError: it is no Parquet file, or has more rows than its bytes may have.
            ParserError: no process can be started.
        """
        frames = list(self._ask(file, {}))
        try:
            schema, group_rows = decode_description(frames)
        except ValueError as error:
            raise TableError(_describe_lie(error)) from error
        most = self._parsers.limits.max_records
        if sum(group_rows) > most * count_shares(file.size):
            detail = f"it has {sum(group_rows)} rows, more than {most} for each 8 MiB; split it"
            raise TableError(f"{detail} or raise the limit")
        return schema, group_rows

    def read(
        self, file: TableFile, rows: TableRows, schema: pa.Schema
    ) -> Generator[pa.RecordBatch, None, None]:
        """Yield rows, some at a time.

        Args:
            file: where they lie.
            rows: which, and which of their columns.
            schema: of the file, as `describe` returned it.

        Raises:
            TableError: they cannot be read, or take more than a file may.
            ParserError: no process can be started.
        """
        expected = pa.schema([schema.field(name) for name in rows.columns]) if rows.columns else schema
        with closing(self._ask(file, asdict(rows))) as frames:
            for frame in frames:
                try:
                    batch = decode_batch(frame, expected)
                except ValueError as error:
                    raise TableError(_describe_lie(error)) from error
                yield batch

    def _ask(self, file: TableFile, request: dict[str, Any]) -> Generator[bytes, None, None]:
        known = InputFile(source=file.path, modified=0)
        piece = ParsePiece(file=known, start=0, end=file.size, size=file.size, max_record_bytes=file.size)
        try:
            with (
                self._parsers.process() as process,
                closing(process.ask(file.read_range, piece, table=request)) as frames,
            ):
                yield from frames
        except EndedError as error:
            raise TableError(error.detail) from error
        except ValueError as error:
            raise TableError(_describe_lie(error)) from error


def _describe_lie(error: ValueError) -> str:
    return f"its parser says what no parser says ({error}); it was ended"
