from __future__ import annotations

import pytest

from eagleray.contracts.documents import DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.formats.registry import SUFFIXES
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile


def test_a_format_nobody_reads_is_a_dead_letter_that_lists_those_that_are():
    for source in ("a/b.xlsx", "a.txt/README"):
        (letter,) = parse_bytes(b"x", InputFile(source=source, modified=0))
        assert letter.reason is DeadLetterReason.UNSUPPORTED_FORMAT
        assert all(suffix in letter.detail for suffix in SUFFIXES)


def test_the_case_of_a_suffix_does_not_matter():
    (record,) = parse_bytes(b"text", InputFile(source="A.TXT", modified=0))
    assert isinstance(record, RawRecord)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".pdf"])
def test_a_file_that_is_one_document_and_too_large_is_not_read(suffix):
    file = InputFile(source=f"a{suffix}", modified=0)
    (letter,) = parse_bytes(b"x" * 11, file, max_record_bytes=10)
    assert letter.reason is DeadLetterReason.RECORD_TOO_LARGE
    assert "11 bytes" in letter.detail


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_parser_raises_on_random_bytes(suffix, seed=11):
    import random

    rng = random.Random(seed)  # noqa: S311 - a test's data
    for _ in range(30):
        data = rng.randbytes(rng.randrange(400))
        for item in parse_bytes(data, InputFile(source=f"a{suffix}", modified=0)):
            assert item is not None
