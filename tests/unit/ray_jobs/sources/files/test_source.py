from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.sources import SidecarFile
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.errors import MappingError
from indexes.storage.local import LocalStore
from ray_jobs.plans.shards import MIN_BYTES, SMALL_PARTS
from ray_jobs.sources.files.listing import Listing, SourceFile
from ray_jobs.sources.files.source import (
    MAX_PIECES,
    FileReading,
    FileSource,
    cut_files,
    mark_file,
    plan_files,
)

FILES = tuple(
    SourceFile(path=name, size_bytes=9, modified=1, tag=f"tag-{name}") for name in ("a.txt", "b.txt")
)
MAPPING = "m" * 64
SEEN = {file.path: mark_file(file, MAPPING) for file in FILES}


def make_file(path, size):
    return SourceFile(path=path, size_bytes=size, modified=0, tag="t")


def list_pieces(split):
    return [(piece.file.path, piece.start, piece.end) for piece in split.pieces]


def plan(files, seen, *, closed=(), mapping=MAPPING, rows=None):
    listing = Listing(files=files, closed=closed)
    return plan_files(listing, seen, mapping_digest=mapping, partition_bytes=1 << 20, rows=rows or {})


def test_the_ranges_of_a_line_file_cover_it_once_and_other_formats_stay_whole():
    size = 5 * MIN_BYTES // 2
    files = [make_file("a.jsonl", size), make_file("b.pdf", size)]
    assert [list_pieces(split) for split in cut_files(files, partition_bytes=MIN_BYTES)] == [
        [("a.jsonl", 0, MIN_BYTES)],
        [("a.jsonl", MIN_BYTES, 2 * MIN_BYTES)],
        [("a.jsonl", 2 * MIN_BYTES, size)],
        [("b.pdf", 0, size)],
    ]


def test_small_files_share_a_split_within_its_length_and_number():
    tiny = [make_file(f"{number:03d}.txt", 1) for number in range(MAX_PIECES + 1)]
    assert [len(split.pieces) for split in cut_files(tiny, partition_bytes=1 << 20)] == [MAX_PIECES, 1]
    half = [make_file(f"{number}.txt", MIN_BYTES // 2) for number in range(3)]
    assert [len(split.pieces) for split in cut_files(half, partition_bytes=MIN_BYTES)] == [2, 1]


def test_a_small_input_is_work_for_many_workers_and_a_large_one_keeps_its_length():
    small = [make_file("a.jsonl", SMALL_PARTS * MIN_BYTES * 2)]
    assert len(cut_files(small, partition_bytes=1 << 30)) == SMALL_PARTS
    large = [make_file("a.jsonl", 100 << 20)]
    assert len(cut_files(large, partition_bytes=1 << 20)) == 100


@given(
    sizes=st.lists(st.integers(0, 5 * MIN_BYTES), max_size=12),
    partition_bytes=st.integers(1 << 10, 4 * MIN_BYTES),
    seed=st.randoms(use_true_random=False),
)
def test_every_byte_is_read_once_whatever_the_order_of_files(sizes, partition_bytes, seed):
    files = [
        make_file(f"{number:02d}.{'jsonl' if number % 2 else 'pdf'}", size)
        for number, size in enumerate(sizes)
    ]
    shuffled = seed.sample(files, len(files))
    splits = cut_files(shuffled, partition_bytes=partition_bytes)
    assert splits == cut_files(files, partition_bytes=partition_bytes)
    assert len({split.key for split in splits}) == len(splits)
    assert sum(split.size_bytes for split in splits) == sum(sizes)
    pieces = [piece for split in splits for piece in split.pieces]
    for file in files:
        mine = [(piece.start, piece.end) for piece in pieces if piece.file == file]
        assert [start for start, _ in mine] == [0, *(end for _, end in mine[:-1])]
        assert mine[-1][1] == file.size_bytes


def test_a_first_plan_reads_everything_and_leaves_the_marks_the_next_one_compares_with():
    planned = plan(FILES, {})
    assert planned.whole == {"a.txt", "b.txt"}
    assert planned.marks == SEEN


def test_nothing_is_read_again_where_nothing_changed():
    planned = plan(FILES, SEEN)
    assert (planned.whole, planned.gone, planned.splits) == (frozenset(), frozenset(), ())


def test_a_changed_file_is_read_again_and_one_that_is_not_there_any_more_is_gone():
    planned = plan((replace(FILES[0], tag="other"),), SEEN)
    assert (planned.whole, planned.gone) == ({"a.txt"}, {"b.txt"})


def test_what_was_read_of_a_folder_that_cannot_be_opened_now_is_neither_read_again_nor_gone():
    before = tuple(replace(FILES[0], path=path) for path in ("a/b.txt", "a.txt", "ab/c.txt"))
    seen = {file.path: mark_file(file, MAPPING) for file in before}
    closed = replace(FILES[0], path="a", tag="closed")
    planned = plan((closed,), seen, closed=("a",))
    assert planned.whole == {"a"}
    assert planned.unopened == ("a",)
    assert planned.gone == {"a.txt", "ab/c.txt"}
    assert planned.marks == {"a/b.txt": seen["a/b.txt"], "a": mark_file(closed, MAPPING)}
    opened = plan((before[0],), planned.marks)
    assert (opened.whole, opened.gone) == (frozenset(), {"a"})


def test_another_mapping_is_a_reason_to_read_every_file_again():
    assert plan(FILES, SEEN, mapping="n" * 64).whole == {"a.txt", "b.txt"}


def test_a_file_whose_mark_was_forgotten_is_read_again():
    assert plan(FILES, {**SEEN, "b.txt": ""}).whole == {"b.txt"}


def list_read(found):
    return [piece.file.path for split in found.splits for piece in split.pieces]


def test_a_changed_row_of_a_sidecar_has_its_own_file_read_again_and_no_other():
    rows = {"a.txt": {"ticker": "AAPL"}}
    before = plan(FILES, {}, rows=rows)
    assert [piece.row for split in before.splits for piece in split.pieces] == [{"ticker": "AAPL"}, {}]
    assert list_read(plan(FILES, before.marks, rows=rows)) == []
    changed = plan(FILES, before.marks, rows={"a.txt": {"ticker": "IBM"}})
    assert list_read(changed) == ["a.txt"]
    assert list_read(plan(FILES, before.marks)) == ["a.txt"]
    assert list_read(plan(FILES, before.marks, rows={**rows, "b.txt": {"ticker": "AAPL"}})) == ["b.txt"]
    assert changed.identity != plan(FILES, before.marks, rows={"a.txt": {"ticker": "MSFT"}}).identity


def test_without_rows_a_plan_is_what_it_was_before_there_were_any():
    found = plan(FILES, {})
    assert set(found.identity) == {"files", "reread"}
    assert found.marks == SEEN


def test_records_carry_the_row_of_their_file_and_a_row_of_a_file_that_is_not_there_ends_the_plan(tmp_path):
    (tmp_path / "desk").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "desk" / name).write_text("Bonds pay coupons.")
    table = tmp_path / "desk" / "labels.csv"
    table.write_text("file,ticker,note\na.txt,AAPL,x\n")

    def open_source():
        reading = FileReading(
            parsers=ParserPool(ParseLimits()),
            mapping_digest=MAPPING,
            partition_bytes=1 << 20,
            max_record_bytes=1 << 20,
            own=(str(table),),
            sidecar=SidecarFile(path=str(table), columns=("ticker",)),
        )
        return FileSource(LocalStore(tmp_path / "desk"), reading, name="desk")

    source = open_source()
    found = source.plan({})
    assert found.passed_over == {"own_files": 1}
    records = [record for split in found.splits for record in source.read(split)]
    assert [record.sidecar for record in records] == [{"ticker": "AAPL"}, {}]
    table.write_text("file,ticker\na.text,AAPL\n")
    with pytest.raises(
        MappingError, match=r"labels.csv:2: the source has no file 'a.text'; did you mean 'a.txt'"
    ):
        open_source().plan({})
