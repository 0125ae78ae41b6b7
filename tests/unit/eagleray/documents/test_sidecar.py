from __future__ import annotations

import re

import pytest

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import Origin, RawRecord
from eagleray.contracts.times import format_micros
from eagleray.documents.mapping import apply_mapping, load_mapping
from eagleray.documents.sidecar import check_files, check_values, find_sidecar, read_sidecar
from eagleray.errors import MappingError

MAPPING = """
sidecar: labels.csv
known_from: {from: [{sidecar: known_from}, {file: modified}], zone: Europe/London}
groups: {sidecar: groups, optional: true}
attributes:
  ticker: {sidecar: ticker, type: string}
  shares: {sidecar: shares, type: integer}
  desks: {sidecar: desks, type: strings}
"""
HEAD = "file,ticker,company,known_from,groups,shares,desks"


@pytest.fixture
def load(tmp_path):
    """Write a table beside a mapping, and return the mapping with the table's rows."""

    def write(*lines, mapping=MAPPING, head=HEAD):
        (tmp_path / "labels.csv").write_text("\n".join((head, *lines)) + "\n", encoding="utf-8-sig")
        (tmp_path / "mapping.yaml").write_text(mapping)
        loaded = load_mapping(tmp_path / "mapping.yaml")
        sidecar = find_sidecar(loaded)
        rows = read_sidecar(sidecar)
        check_values(loaded, sidecar, rows.values())
        return loaded, sidecar, rows

    return write


def make_document(mapping, rows, file):
    row = rows.get(file)
    record = RawRecord(
        origin=Origin(uri=f"desk/{file}"),
        modified=0,
        fields={"_id": file, "text": "t"},
        sidecar={} if row is None else row.values,
    )
    return apply_mapping(mapping, record)


def test_a_mapping_takes_values_of_any_kind_from_the_row_of_a_file(load):
    mapping, sidecar, rows = load(
        "notes/a.pdf,AAPL,Apple,2024-06-01T10:00,rates; credit,7,metals", "", "b.pdf,,,,,,"
    )
    assert sidecar.columns == ("desks", "groups", "known_from", "shares", "ticker")
    document = make_document(mapping, rows, "notes/a.pdf")
    assert format_micros(document.known_from) == "2024-06-01T09:00:00Z"
    assert document.groups == ("credit", "rates")
    assert document.attributes == {"ticker": "AAPL", "shares": 7, "desks": ("metals",)}
    for file in ("b.pdf", "c.pdf"):
        other = make_document(mapping, rows, file)
        assert (other.known_from, other.groups, other.attributes) == (0, (), {})


def test_a_required_value_that_the_table_lacks_makes_a_dead_letter_that_names_the_column(load):
    mapping, _, rows = load("a.pdf,AAPL,,,,,", mapping=MAPPING.replace(", optional: true", ""))
    letter = make_document(mapping, rows, "a.pdf")
    assert isinstance(letter, DeadLetter)
    assert "sidecar 'groups'" in letter.detail


@pytest.mark.parametrize(
    ("lines", "line", "detail"),
    [
        (["a.pdf,A,,,,,", "a.pdf,B,,,,,"], 3, "'a.pdf' has a row already, in line 2"),
        (['"a.pdf","two\nlines",,,,,', "b.pdf,A"], 4, "expected 7 cells, found 2"),
        ([",A,,,,,"], 2, "expected a path in the column 'file'"),
        (
            ["a.pdf,A,,yesterday,,,"],
            2,
            "'a.pdf', column 'known_from': known_from: found string shaped 'aaaaaaaaa'",
        ),
        (["a.pdf,A,,,,many,"], 2, "column 'shares': shares: expected integer, found string"),
        (['a.pdf,"A'], 2, "not valid CSV"),
    ],
)
def test_a_fault_names_its_row(load, lines, line, detail):
    with pytest.raises(MappingError) as caught:
        load(*lines)
    assert caught.value.line == line
    assert caught.value.path.endswith("labels.csv")
    assert detail in caught.value.detail


def test_a_column_that_is_not_there_is_told_with_the_nearest_name(load):
    with pytest.raises(MappingError, match="there is no column 'ticker'; did you mean 'tickr'"):
        load(head=HEAD.replace("ticker", "tickr"))
    with pytest.raises(MappingError, match="there is no column 'file'"):
        load(head="a,b")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_table_without_commas_is_told_what_stands_for_them(load, mark):
    with pytest.raises(MappingError, match=re.escape(f":1: expected commas between cells, found {mark!r}")):
        load(head=HEAD.replace(",", mark))


def test_a_table_that_cannot_be_read_is_a_mapping_error(load, tmp_path):
    _, sidecar, _ = load()
    (tmp_path / "labels.csv").write_bytes(b"file\nx\xff\n")
    with pytest.raises(MappingError, match=r"labels\.csv:2: expected UTF-8"):
        read_sidecar(sidecar)
    (tmp_path / "labels.csv").write_bytes(b"")
    with pytest.raises(MappingError, match="the table is empty"):
        read_sidecar(sidecar)
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(MappingError, match="cannot be read"):
        read_sidecar(sidecar)


def test_a_row_of_a_file_that_is_not_there_is_an_error_with_the_nearest_name(load):
    _, sidecar, rows = load("notes/a.pdf,A,,,,,", "nots/b.pdf,B,,,,,")
    with pytest.raises(
        MappingError, match=r":3: the source has no file 'nots/b.pdf'; did you mean 'notes/b.pdf'"
    ):
        check_files(sidecar, rows.values(), ["notes/a.pdf", "notes/b.pdf"])


def test_a_mapping_names_a_sidecar_where_a_field_takes_a_value_from_it_and_only_there(load):
    with pytest.raises(MappingError, match=r"'known_from' takes a value from a sidecar; name it with"):
        load(mapping=MAPPING.replace("sidecar: labels.csv\n", ""))
    with pytest.raises(MappingError, match="no field takes a value from the sidecar"):
        load(mapping="sidecar: labels.csv\n")
    with pytest.raises(MappingError, match="the column 'file' names files"):
        load(mapping="sidecar: labels.csv\ntitle: {sidecar: file}\n")


def test_what_the_table_says_and_where_it_lies_is_no_part_of_the_mapping(load, tmp_path):
    first, _, _ = load("a.pdf,A,,,,,")
    second, _, _ = load("b.pdf,B,,,,,")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mapping.yaml").write_text(MAPPING)
    third = load_mapping(tmp_path / "deep" / "mapping.yaml")
    assert len({first.digest, second.digest, third.digest}) == 1
