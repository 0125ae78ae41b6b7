"""Parquet: one record a row, read by row group so that memory is bounded by one group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.reading import RangeFile
from eagleray.documents.records import InputFile
from eagleray.documents.table_cells import find_repeated_name, list_rows

ParquetData = bytes | BinaryIO | RangeFile

_BATCH_ROWS: Final = 1024
_BUFFER_BYTES: Final = 1 << 20
_SHOWN: Final = 64


def parse_parquet(data: ParquetData, file: InputFile) -> Iterator[RawRecord | DeadLetter]:
    """Yield every row; a row group that cannot be read is one dead letter and the others go on."""
    opened = _open_parquet(data, file)
    if isinstance(opened, DeadLetter):
        yield opened
        return
    first_row = 1
    for group in range(opened.metadata.num_row_groups):
        yield from _read_group(opened, file, group=group, first_row=first_row)
        first_row += opened.metadata.row_group(group).num_rows


def open_parquet(source: Any) -> Any:
    """Return an opened file that reads some of a column at a time; Arrow else reads all of its row group."""
    return pq.ParquetFile(source, buffer_size=_BUFFER_BYTES, pre_buffer=False)


def _open_parquet(data: ParquetData, file: InputFile) -> Any:
    try:
        opened = open_parquet(pa.BufferReader(data) if isinstance(data, bytes) else data)
        repeated = find_repeated_name(opened.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        detail = f"it is not a readable Parquet file ({type(error).__name__}); write it again"
        return file.reject(DeadLetterReason.UNREADABLE_FILE, detail)
    if repeated:
        detail = f"two columns have the name {repeated[:_SHOWN]!a}; give one of them another"
        return file.reject(DeadLetterReason.UNREADABLE_FILE, detail)
    return opened


def _read_group(
    opened: Any, file: InputFile, *, group: int, first_row: int
) -> Iterator[RawRecord | DeadLetter]:
    row = first_row
    try:
        for batch in opened.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
            for record in make_records(pa.Table.from_batches([batch]), file, first_row=row):
                yield record
                row += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        detail = f"row group {group} cannot be read from here on ({type(error).__name__}); write it again"
        yield file.reject(DeadLetterReason.UNREADABLE_FILE, detail, position=f"row {row}")


def make_records(table: pa.Table, file: InputFile, *, first_row: int) -> Iterator[RawRecord]:
    """Yield the rows of a table as records; the first is row `first_row` of the file, counted from 1."""
    for row, fields in enumerate(list_rows(table), start=first_row):
        yield file.make_record(f"row {row}", fields)
