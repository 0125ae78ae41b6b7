from __future__ import annotations

import io
import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.documents.reading import RangeFile, read_jsonl_range


def read(data, start, end, limit=1 << 20):
    return list(
        read_jsonl_range(
            lambda first, last: data[first:last],
            start=start,
            end=end,
            size=len(data),
            max_record_bytes=limit,
        )
    )


def split_by_hand(data, limit):
    lines, offset = [], 0
    for line in data.split(b"\n"):
        lines.append((offset, line if len(line) <= limit else None))
        offset += len(line) + 1
    return lines[:-1] if data.endswith(b"\n") or not data else lines


@given(
    data=st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"x")), max_size=12),
    ends_with_feed=st.booleans(),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    limit=st.integers(1, 14),
)
@settings(max_examples=300, deadline=None)
def test_any_split_of_ranges_yields_each_line_exactly_once(data, ends_with_feed, cuts, limit):
    content = b"\n".join(data) + (b"\n" if ends_with_feed else b"")
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    found = [item for start, end in pairwise(edges) for item in read(content, start, end, limit)]
    assert found == split_by_hand(content, limit)


def test_lines_longer_than_a_block_are_read_whole_or_given_up_without_holding_them():
    rng = random.Random(5)  # noqa: S311 - a test's data
    lines = [bytes([97 + rng.randrange(26)]) * rng.choice([10, 1 << 20, 3 << 20]) for _ in range(8)]
    content = b"\n".join(lines)
    edges = [0, 1, 700_000, 1 << 20, (1 << 20) + 1, 4 << 20, len(content)]
    found = [item for start, end in pairwise(edges) for item in read(content, start, end, 2 << 20)]
    assert found == split_by_hand(content, 2 << 20)


def test_a_giant_line_is_not_read_to_its_end_by_the_range_it_begins_in():
    size, reads = 10 << 30, []

    def read_range(start, end):
        reads.append((start, end))
        return b"x" * (end - start)

    found = list(read_jsonl_range(read_range, start=0, end=8 << 20, size=size, max_record_bytes=1 << 20))
    assert found == [(0, None)]
    later = list(read_jsonl_range(read_range, start=8 << 20, end=16 << 20, size=size, max_record_bytes=1))
    assert later == []
    assert max(end for _, end in reads) <= 18 << 20


def test_a_file_over_ranges_reads_like_a_file():
    data = bytes(range(256)) * 10
    file, plain = RangeFile(lambda start, end: data[start:end], size=len(data)), io.BytesIO(data)
    for offset, whence, size in [(0, 0, 5), (-8, 2, 8), (-3, 1, 100), (2000, 0, -1), (9999, 0, 4)]:
        assert file.seek(offset, whence) == plain.seek(offset, whence)
        assert file.read(size) == plain.read(size)
        assert file.tell() == plain.tell()
