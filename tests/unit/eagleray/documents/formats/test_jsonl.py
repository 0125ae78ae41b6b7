from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.partitions import parse_bytes, parse_partition
from eagleray.documents.records import InputFile

FILE = InputFile(source="a/b.jsonl", modified=0)


def parse(data, limit=1 << 20):
    return list(parse_bytes(data, FILE, max_record_bytes=limit))


def test_one_bad_line_never_loses_the_others():
    lines = [
        b'{"_id": "1"}',
        b'{"_id": ',
        b"[1]",
        b"null",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "b": {"c": 1, "c": 2}}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": "' + b"x" * 300_000 + b'"}',
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"",
        b"   ",
        '{"_id": "é\\ud83d\\ude00"}'.encode(),
    ]
    found = parse(b"\r\n".join(lines), 250_000)
    records = [item for item in found if isinstance(item, RawRecord)]
    letters = [item for item in found if isinstance(item, DeadLetter)]
    assert [record.fields for record in records] == [{"_id": "1"}, {"_id": "é😀"}]
    assert [letter.reason for letter in letters] == [
        *[DeadLetterReason.INVALID_JSON] * 6,
        DeadLetterReason.INVALID_ENCODING,
        DeadLetterReason.INVALID_JSON,
        DeadLetterReason.RECORD_TOO_LARGE,
        *[DeadLetterReason.INVALID_JSON] * 2,
    ]
    offsets = [sum(len(line) + 2 for line in lines[:index]) for index in range(len(lines))]
    assert [letter.position for letter in letters] == [f"byte {offset}" for offset in offsets[1:12]]
    assert f"byte {offsets[7] + 7} is not valid UTF-8" in letters[6].detail
    assert all(len(letter.detail) < 200 for letter in letters)


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    found = parse(b'\xef\xbb\xbf{"_id": "1"}\n')
    assert [item.fields for item in found] == [{"_id": "1"}]


def test_a_position_finds_the_line_again():
    data = b'\n\n{"_id": "1"}\n{"_id": "2"}'
    for record in parse(data):
        line = data[int(record.position.removeprefix("byte ")) :].split(b"\n")[0]
        assert json.loads(line) == record.fields


@given(
    records=st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=8)), min_size=1, max_size=8),
    step=st.integers(1, 60),
)
@settings(max_examples=80, deadline=None)
def test_any_partitioning_yields_the_same_records_at_the_same_positions(records, step):
    data = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    parts = [
        item
        for start in range(0, len(data), step)
        for item in parse_partition(
            lambda first, last: data[first:last],
            FILE,
            start=start,
            end=min(start + step, len(data)),
            size=len(data),
            max_record_bytes=10_000,
        )
    ]
    assert parts == parse(data, 10_000)
    assert [item.fields for item in parts] == records


def test_a_number_of_too_many_digits_is_told_without_a_word_about_python():
    letter, record = parse(b'{"_id": "a", "n": ' + b"9" * 5_000 + b'}\n{"_id": "b"}')
    assert letter.detail == "a whole number has more digits than can be read; write it as text"
    assert record.fields == {"_id": "b"}
