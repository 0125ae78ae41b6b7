from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.times import OPEN_END
from eagleray.digests import make_chunk_id
from eagleray.documents.records import InputFile
from indexes.exchange.imported_rows import Decoder, find_declared_texts, make_vector_records
from indexes.exchange.vector_checks import CheckedVectors

FILE = InputFile(source="mine/rows.parquet", modified=5)


def decode(row, *, has_versions=False):
    decoder = Decoder(mapping=None, chunker_digest="c", has_versions=has_versions)
    checked = CheckedVectors(vectors=np.ones((1, 1), dtype=np.float32), faults={})
    (record,) = make_vector_records(pa.Table.from_pylist([row]), checked, FILE, first_row=9)
    item = decoder.decode(record)
    return item if isinstance(item, DeadLetter) else item.to_pylist()[0]


def test_a_row_with_nothing_but_id_and_text_is_a_document_of_one_chunk():
    row = decode({"doc_id": "a", "text": "some text", "title": "T", "year": 2019})
    assert (row["doc_id"], row["ordinal"], row["start"], row["end"]) == ("a", 0, 0, 9)
    assert (row["heading"], row["source"], row["position"]) == ("T", "mine/rows.parquet", "row 10")
    assert (row["known_from"], row["known_to"], row["attributes"]) == (5, OPEN_END, '{"year":2019}')
    assert row["chunk_id"] == make_chunk_id("a", row["version"], "c", 0)


def test_a_row_of_an_export_keeps_its_place_and_version_and_gets_the_id_they_make():
    given = {"doc_id": "a", "text": "x", "version": "v", "ordinal": 3, "start": 7, "end": 8, "page": 2}
    given |= {"heading": "", "source": "s/f.md", "chunk_id": 1, "attr_source": "own", "attr_attr_x": "y"}
    row = decode(given, has_versions=True)
    assert {
        name: row[name] for name in ("version", "ordinal", "start", "end", "page", "heading", "source")
    } == {name: given[name] for name in ("version", "ordinal", "start", "end", "page", "heading", "source")}
    assert row["attributes"] == '{"attr_x":"y","source":"own"}'
    assert row["chunk_id"] == make_chunk_id("a", "v", "c", 3)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"ordinal": None}, "ordinal: expected a whole number from 0 to 2147483647, found none"),
        ({"ordinal": -1}, "ordinal: expected a whole number"),
        ({"version": 5}, "version: expected text, found something else"),
        ({"text": " "}, "text: expected at least one character"),
        ({"known_from": "soon"}, "known_from"),
    ],
)
def test_a_row_with_a_column_of_something_else_is_a_dead_letter_with_its_place(more, part):
    letter = decode({"doc_id": "a", "text": "x", "version": "v", "ordinal": 0, **more}, has_versions=True)
    assert part in letter.detail
    assert (letter.source, letter.position, letter.doc_id) == ("mine/rows.parquet", "row 10", "a")


def test_columns_of_text_say_that_their_attributes_are_no_times():
    table = pa.Table.from_pylist(
        [
            {
                "doc_id": "a",
                "vector": [1.0],
                "text": "x",
                "s": "2020-01-01",
                "n": 1.0,
                "b": True,
                "i": 1,
                "l": ["a"],
                "d": date(2020, 1, 1),
                "t": datetime(2020, 1, 1, tzinfo=UTC),
                "naive": datetime(2020, 1, 1),
            }
        ]
    )
    assert find_declared_texts(table.schema) == {"s"}


def test_the_columns_of_an_attribute_are_one_attribute_and_declare_nothing():
    row = {"doc_id": "a", "text": "x", "attr_string_when": "n/a", "attr_time_when": None, "attr_integer_n": 3}
    assert decode(row)["attributes"] == '{"n":3,"when":"n/a"}'
    both = pa.schema([("attr_string_when", pa.string()), ("attr_time_when", pa.timestamp("us", "UTC"))])
    assert find_declared_texts(both) == frozenset()
