from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.documents.formats.registry import SUFFIXES
from eagleray.documents.partitions import parse_bytes, parse_partition
from eagleray.documents.records import InputFile

BLANK_LINES = b" \n\r\n\t\n" * 1_000


def write_parquet(*row_groups):
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, pa.schema([("text", pa.string())])) as writer:
        for rows in row_groups:
            writer.write_table(pa.table({"text": pa.array(rows, pa.string())}))
    return sink.getvalue()


def make_pdf():
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer << /Root 1 0 R >>"
    )


def parse(data, name):
    return list(parse_bytes(data, InputFile(source=name, modified=0)))


def parse_in_pieces(data, *, length):
    return [
        item
        for start in range(0, len(data), length)
        for item in parse_partition(
            lambda first, last: data[first:last],
            InputFile(source="a.jsonl", modified=0),
            start=start,
            end=min(start + length, len(data)),
            size=len(data),
            max_record_bytes=1 << 20,
        )
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("data", [b"", BLANK_LINES, b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_every_file_without_content_is_one_dead_letter(suffix, data):
    (letter,) = parse(data, f"a{suffix}")
    assert isinstance(letter, DeadLetter)
    assert letter.position == ""


@pytest.mark.parametrize("data", [b"", BLANK_LINES, b"\xef\xbb\xbf \n"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.txt", "a.md", "a.html"])
def test_its_reason_is_that_it_has_no_text(name, data):
    assert parse(data, name)[0].reason is DeadLetterReason.EMPTY_TEXT


@pytest.mark.parametrize("row_groups", [(), ([],), ([], [])])
def test_a_table_without_rows_is_a_dead_letter(row_groups):
    (letter,) = parse(write_parquet(*row_groups), "a.parquet")
    assert letter.reason is DeadLetterReason.EMPTY_TEXT


def test_a_pdf_without_pages_is_a_dead_letter():
    (letter,) = parse(make_pdf(), "a.pdf")
    assert isinstance(letter, DeadLetter)


@pytest.mark.parametrize("length", [1, 7, 4_096, len(BLANK_LINES)])
def test_blank_lines_are_one_dead_letter_however_the_file_is_cut(length):
    (letter,) = parse_in_pieces(BLANK_LINES, length=length)
    assert (letter.reason, letter.position) == (DeadLetterReason.EMPTY_TEXT, "")


@pytest.mark.parametrize("length", [1, 7, 4_096])
def test_a_blank_begin_is_no_dead_letter_where_a_record_follows(length):
    (record,) = parse_in_pieces(BLANK_LINES + b'{"_id": "a"}\n\n', length=length)
    assert record.fields == {"_id": "a"}
