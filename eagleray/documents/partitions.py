"""Partitions: the one way in for jobs, from a byte range of any file to raw records."""

from __future__ import annotations

from collections.abc import Iterator

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.formats.jsonl import parse_jsonl_range
from eagleray.documents.formats.registry import (
    LINE_SUFFIXES,
    ROW_SUFFIXES,
    WHOLE_FILE_PARSERS,
    find_suffix,
    reject_format,
)
from eagleray.documents.reading import RangeFile, ReadRange, is_blank
from eagleray.documents.records import InputFile


def parse_partition(
    read_range: ReadRange, file: InputFile, *, start: int, end: int, size: int, max_record_bytes: int
) -> Iterator[RawRecord | DeadLetter]:
    """Yield the records of a partition; bad input comes as dead letters, never as an error.

    Of every file something comes: one without any record (no bytes, blank lines, a table without rows) is a
    dead letter, in the partition that begins with its first byte.

    Args:
        read_range: reads the file; its errors pass through, because they are the store's.
        file: where it is; its suffix chooses the parser.
        start: first byte; only formats of lines are cut, so all others begin at 0.
        end: one past the last byte.
        size: bytes of the whole file.
        max_record_bytes: longest line, or longest file that is one document.

    Raises:
        MissingExtraError: the format's library is not installed.
    """
    piece = {"start": start, "end": end, "size": size, "max_record_bytes": max_record_bytes}
    is_empty = True
    for item in _parse(read_range, file, **piece):
        is_empty = False
        yield item
    if is_empty and start == 0 and is_blank(read_range, start=end, end=size):
        yield file.reject(DeadLetterReason.EMPTY_TEXT, "the file holds no record")


def _parse(
    read_range: ReadRange, file: InputFile, *, start: int, end: int, size: int, max_record_bytes: int
) -> Iterator[RawRecord | DeadLetter]:
    suffix = find_suffix(file.source)
    if suffix in LINE_SUFFIXES:
        yield from parse_jsonl_range(
            read_range, file, start=start, end=end, size=size, max_record_bytes=max_record_bytes
        )
    elif suffix in ROW_SUFFIXES:
        from eagleray.documents.formats.parquet import parse_parquet  # loads Arrow

        yield from parse_parquet(RangeFile(read_range, size=size), file)
    elif suffix not in WHOLE_FILE_PARSERS:
        yield reject_format(file)
    elif size > max_record_bytes:
        detail = f"the file has {size} bytes, more than {max_record_bytes}; split it or raise the limit"
        yield file.reject(DeadLetterReason.RECORD_TOO_LARGE, detail)
    else:
        yield from WHOLE_FILE_PARSERS[suffix](read_range(0, size), file)


def parse_bytes(
    data: bytes, file: InputFile, *, max_record_bytes: int = 32 << 20
) -> Iterator[RawRecord | DeadLetter]:
    """Yield the records of a whole file that is already in memory."""
    return parse_partition(
        lambda start, end: data[start:end],
        file,
        start=0,
        end=len(data),
        size=len(data),
        max_record_bytes=max_record_bytes,
    )
