from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, ElementKind
from eagleray.documents.elements import find_elements
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile

FILE = InputFile(source="folder/note.txt", modified=0)


def parse(data):
    (item,) = parse_bytes(data, FILE)
    return item


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_choose_the_encoding(encoding):
    record = parse("Größe\r\nzwei".encode(encoding))
    assert record.fields == {"_id": "folder/note.txt", "title": "note", "text": "Größe\nzwei"}


@pytest.mark.parametrize(
    ("data", "offset"),
    [(b"abc\xff", 3), (b"\xef\xbb\xbfab\xff", 5), (b"\xff\xfea\x00b", 4), ("café".encode("latin-1"), 3)],
)
def test_a_wrong_byte_is_named_by_its_offset(data, offset):
    letter = parse(data)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.INVALID_ENCODING
    assert f"byte {offset} " in letter.detail


@pytest.mark.parametrize("name", ["note.txt", "note.md", "note.html"])
@pytest.mark.parametrize(
    "data", [b"abc\x00d", b"ab\x00", "債券の\n".encode("utf-16-le"), b"\xff\xfe\x00\x00a\x00\x00\x00"]
)
def test_a_text_with_a_nul_is_a_dead_letter(data, name):
    (letter,) = parse_bytes(data, InputFile(source=name, modified=0))
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.INVALID_ENCODING


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Coupon 4.5 %", "Größe, Āraiši", "a"])
def test_utf16_without_a_mark_is_detected(text, encoding):
    assert parse(text.encode(encoding)).fields["text"] == text


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xef\xbb\xbf"])
def test_a_file_without_text_is_a_dead_letter(data):
    assert parse(data).reason is DeadLetterReason.EMPTY_TEXT


def test_blank_lines_and_table_lines_divide_elements():
    text = "\n one\ntwo \n \n| a | b |\n| 1 | 2 |\nafter\n\nlast"
    found = [(element.kind, text[element.start : element.end]) for element in find_elements(text)]
    assert found == [
        (ElementKind.PARAGRAPH, "one\ntwo"),
        (ElementKind.TABLE, "| a | b |\n| 1 | 2 |"),
        (ElementKind.PARAGRAPH, "after"),
        (ElementKind.PARAGRAPH, "last"),
    ]


@given(st.text(alphabet="ab |\n\t", max_size=60))
def test_elements_are_trimmed_ordered_and_cover_every_character(text):
    covered = [False] * len(text)
    last = 0
    for element in find_elements(text):
        piece = text[element.start : element.end]
        assert piece and piece == piece.strip() and element.start >= last
        last = element.end
        covered[element.start : element.end] = [True] * len(piece)
    assert all(seen or sign.isspace() for seen, sign in zip(covered, text, strict=True))
