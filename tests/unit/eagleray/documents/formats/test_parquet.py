from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.sources import RawRecord
from eagleray.contracts.times import parse_instant
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile

FILE = InputFile(source="a.parquet", modified=0)


def write(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.fixture
def table():
    return pa.table(
        {
            "_id": [f"d{row}" for row in range(10)],
            "text": [f"text {row}" for row in range(10)],
            "known_from": pa.array([row * 10**15 + 1 for row in range(10)], pa.timestamp("ns", tz="UTC")),
            "metadata": [{"year": 2000 + row, "share": float("nan"), "note": None} for row in range(10)],
        }
    )


def test_rows_become_documents_with_their_row_numbers(table):
    records = list(parse_bytes(write(table, row_group_size=4), FILE))
    assert [record.position for record in records] == [f"row {row}" for row in range(1, 11)]
    documents = [apply_mapping(DEFAULT_MAPPING, record) for record in records]
    assert all(isinstance(document, Document) for document in documents)
    assert [document.known_from for document in documents] == [row * 10**12 for row in range(10)]
    assert [document.attributes for document in documents] == [{"year": 2000 + row} for row in range(10)]


def test_a_broken_row_group_is_one_dead_letter_and_the_others_are_read(table):
    data = bytearray(write(table, row_group_size=4, compression="zstd", use_dictionary=False))
    start = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0).data_page_offset
    data[start : start + 24] = b"\xff" * 24
    found = list(parse_bytes(bytes(data), FILE))
    letters = [item for item in found if isinstance(item, DeadLetter)]
    assert [(letter.reason, letter.position) for letter in letters] == [
        (DeadLetterReason.UNREADABLE_FILE, "row 5")
    ]
    rows = [item.position for item in found if isinstance(item, RawRecord)]
    assert rows == [f"row {row}" for row in (1, 2, 3, 4, 9, 10)]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no parquet at all", b"PAR1" + b"\x00" * 50 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_a_dead_letter(data):
    (letter,) = parse_bytes(data, FILE)
    assert letter.reason is DeadLetterReason.UNREADABLE_FILE


def test_cells_are_plain_values():
    moment = datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC)
    table = pa.table(
        {"price": [Decimal("1.50")], "at": pa.array([moment], pa.timestamp("us", tz="UTC")), "raw": [b"\x00"]}
    )
    (record,) = parse_bytes(write(table), FILE)
    assert record.fields["price"] == 1.5
    assert record.fields["raw"] == b""
    assert parse_instant(record.fields["at"]) == parse_instant("2019-01-02T03:04:05Z")


@pytest.mark.parametrize(
    "make",
    [
        lambda ids: pa.array(ids, pa.decimal128(38, 0)),
        lambda ids: pa.array(ids, pa.decimal256(76, 0)),
        lambda ids: pa.array(ids, pa.decimal128(38, 0)).dictionary_encode(),
        lambda ids: pa.array([int(number) for number in ids], pa.uint64()),
        lambda ids: pa.array([str(number) for number in ids], pa.large_string()).dictionary_encode(),
    ],
)
def test_ids_of_warehouses_are_their_digits_and_amounts_are_exact(make):
    ids = [Decimal(1), Decimal(2**64 - 1)]
    amounts = pa.array([Decimal("12345678901234567.89"), Decimal("2.00")], pa.decimal128(38, 2))
    table = pa.table(
        {
            "_id": make(ids),
            "text": ["one", "two"],
            "metadata": pa.StructArray.from_arrays([amounts], ["amount"]),
        }
    )
    documents = [apply_mapping(DEFAULT_MAPPING, record) for record in parse_bytes(write(table), FILE)]
    assert [document.doc_id for document in documents] == ["1", "18446744073709551615"]
    assert [document.attributes["amount"] for document in documents] == ["12345678901234567.89", 2.0]


def test_entries_of_maps_are_attributes_and_groups():
    metadata = pa.array(
        [[("desk", ["rates"]), ("groups", ["credit"])]], pa.map_(pa.string(), pa.list_(pa.string()))
    )
    table = pa.table({"_id": ["a"], "text": ["one"], "metadata": metadata})
    (document,) = (apply_mapping(DEFAULT_MAPPING, record) for record in parse_bytes(write(table), FILE))
    assert (document.attributes, document.groups) == ({"desk": ("rates",)}, ("credit",))


def read(table):
    return [
        item if isinstance(item, DeadLetter) else apply_mapping(DEFAULT_MAPPING, item)
        for item in parse_bytes(write(table), FILE)
    ]


def test_one_cell_that_is_no_utf_8_costs_one_row_and_none_where_nobody_reads_it():
    offsets = b"".join(n.to_bytes(4, "little") for n in (0, 2, 5, 7))
    bad = pa.StringArray.from_buffers(3, pa.py_buffer(offsets), pa.py_buffer(b"okb\xe9dok"))
    for column in ("_id", "text", "title", "note"):
        table = pa.table({"_id": ["a", "b", "c"], "text": ["a", "b", "c"], "title": ["a", "b", "c"]})
        table = (
            table.append_column("note", bad)
            if column == "note"
            else table.set_column(table.schema.get_field_index(column), column, bad)
        )
        outcomes = read(table)
        reasons = [item.reason for item in outcomes if isinstance(item, DeadLetter)]
        names = ["ok", "b\\udce9d", "ok"] if column == "_id" else ["a", "b", "c"]
        assert [item.doc_id for item in outcomes] == names
        assert reasons == ([] if column == "note" else [DeadLetterReason.INVALID_ENCODING])


@pytest.mark.parametrize("column", ["_id", "text", "title", "groups", "zone", "known_from", "metadata"])
def test_bytes_are_no_text_no_groups_and_nothing_that_may_be_missing(column):
    columns = {"_id": ["a"], "text": ["b"], column: pa.array([b"desk-a"])}
    (letter,) = read(pa.table(columns))
    assert letter.reason in {DeadLetterReason.WRONG_TYPE, DeadLetterReason.INVALID_TIME}
    assert "found bytes that are declared no text" in letter.detail
    assert "desk-a" not in letter.detail


def test_bytes_among_the_attributes_are_left_out():
    (document,) = read(pa.table({"_id": ["a"], "text": ["b"], "metadata": [{"raw": b"\xff", "n": 1}]}))
    assert document.attributes == {"n": 1}


def test_an_empty_map_is_no_metadata():
    column = pa.array([[]], pa.map_(pa.string(), pa.string()))
    (document,) = read(pa.table({"_id": ["a"], "text": ["b"], "metadata": column}))
    assert document.attributes == {}


def test_two_columns_of_one_name_are_a_dead_letter():
    (letter,) = read(
        pa.table([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["_id", "text", "text"])
    )
    assert letter.reason == DeadLetterReason.UNREADABLE_FILE
    assert "'text'" in letter.detail
