from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.hostile_files import make_pages, make_parquet
from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.dead_letters import MAX_LISTED
from eagleray.documents.parsing import process as parser_process
from eagleray.documents.parsing.items import decode_items
from eagleray.documents.parsing.limits import SHARE_BYTES, ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile
from eagleray.errors import ParserError, StoreError
from tests.waiting import block_until

SAMPLE = Path(__file__).parents[5] / "examples" / "sample"
LIMITS = ParseLimits(
    memory_bytes=128 << 20, timeout_s=1.0, max_records=2_000, max_text_bytes=4 << 20, max_pages=300
)
PADDING = (b" " * (1 << 10) + b"\n") * (SHARE_BYTES >> 10)

OTHERS = set()


@pytest.fixture(autouse=True)
def pass_over_others():
    """Do not count the processes that other tests have left."""
    OTHERS.clear()
    OTHERS.update(find_children())


@pytest.fixture
def pool():
    found = ParserPool(LIMITS)
    yield found
    found.close()


def parse(pool, data, name):
    return list(pool.parse_bytes(data, InputFile(source=name, modified=3)))


def find_children():
    path = Path(f"/proc/{os.getpid()}/task")
    found = set()
    for task in path.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found.update(int(pid) for pid in (task / "children").read_text().split())
    return found - OTHERS


@pytest.mark.parametrize("path", sorted(SAMPLE.rglob("*.*")), ids=lambda path: path.name)
def test_a_process_finds_what_the_parser_finds(path):
    pool = ParserPool(ParseLimits())
    data, file = path.read_bytes(), InputFile(source=path.name, modified=3)
    assert list(pool.parse_bytes(data, file)) == list(parse_bytes(data, file))
    pool.close()


def test_values_that_json_has_not_come_back_as_they_were(pool):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    stamp = pa.array([1_700_000_000_123_456], pa.timestamp("us", tz="Europe/London"))
    columns = {
        "at": stamp,
        "on": stamp.cast(pa.date32()),
        "ratio": [float("inf")],
        "n": [2**60],
        "nested": [{"when": [1.5, None]}],
        "price": pa.array(["1.10"]).cast(pa.decimal128(9, 2)),
    }
    target = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), target)
    data, file = target.getvalue().to_pybytes(), InputFile(source="a.parquet", modified=1)
    (found,), (wanted,) = pool.parse_bytes(data, file), parse_bytes(data, file)
    assert found == wanted
    assert {name: type(value) for name, value in found.fields.items()} == {
        name: type(value) for name, value in wanted.fields.items()
    }


def test_a_file_that_takes_too_long_is_a_dead_letter_and_the_next_one_is_read(pool):
    begun = time.monotonic()
    (letter,) = parse(pool, make_pages(200, 1 << 20), "slow.pdf")
    assert letter.reason is DeadLetterReason.LIMIT_EXCEEDED
    assert "1 s of a processor" in letter.detail
    assert time.monotonic() - begun < 30
    assert len(parse(pool, b"text", "a.txt")) == 1


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (make_pages(301, 100), "pages.pdf", "301 pages, more than 300"),
        (b'{"text": "x"}\n' * 2_001, "lines.jsonl", "more than 2000 records"),
        (b'{"text": "' + b"x" * 5_000_000 + b'"}', "long.jsonl", "more than 4 MiB"),
        (make_parquet(1_000, 1 << 20), "rows.parquet", ""),
        (b'{"text": "x", "deep": ' + b"[" * 300 + b"]" * 300 + b"}", "deep.jsonl", "200 levels"),
        (b'{"text": "x", "wide": [' + b"[]," * 6_000_000 + b"[]]}", "wide.jsonl", "MemoryError"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_what_is_too_much_ends_in_a_dead_letter(pool, data, name, told):
    *records, letter = parse(pool, data, name)
    assert all(isinstance(record, RawRecord) for record in records)
    assert isinstance(letter, DeadLetter)
    assert told in letter.detail
    assert len(parse(pool, b"text", "a.txt")) == 1


def test_broken_lines_are_counted_where_they_are_parsed_and_use_up_no_limit(pool):
    broken = LIMITS.max_records + 500
    *letters, record, last = parse(pool, b"x\n" * broken + b'{"text": "good"}\n', "a.jsonl")
    assert [letter.n for letter in letters] == [1] * MAX_LISTED
    assert (record.fields, last.n) == ({"text": "good"}, broken - MAX_LISTED)


@pytest.mark.parametrize("n", ["0", "-1", "1.0", "true", '"2"', "null", "9007199254740993", "1e400"])
def test_a_letter_that_stands_for_no_number_of_pieces_is_none(n):
    data = f'[[0, "byte 1", "invalid_json", "broken", "", {n}]]'.encode()
    with pytest.raises(ValueError, match="pieces"):
        list(decode_items(data, InputFile(source="a.jsonl", modified=0)))


def test_a_few_hundred_bytes_of_parquet_take_no_memory_of_the_caller(pool):
    before = measure_memory()
    for _ in range(3):
        parse(pool, make_parquet(1_000, 1 << 20), "rows.parquet")
    assert measure_memory() - before < 64 << 20


def measure_memory():
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:", 1)[1].split(None, 1)[0]) << 10


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGSEGV, DeadLetterReason.PARSER_FAILED), (signal.SIGKILL, DeadLetterReason.LIMIT_EXCEEDED)],
)
def test_a_process_that_crashes_is_a_dead_letter_that_names_how(pool, number, reason):
    parse(pool, b"text", "a.txt")
    (child,) = find_children()

    def read_range(start, end):
        os.kill(child, number)
        return b"x" * (end - start)

    file = InputFile(source="desk/a.txt", modified=1)
    found = pool.parse_partition(read_range, file, start=0, end=9, size=9, max_record_bytes=99)
    (letter,) = found
    assert (letter.source, letter.reason) == ("desk/a.txt", reason)
    assert number is signal.SIGKILL or "SIGSEGV" in letter.detail
    assert child not in find_children()
    assert len(parse(pool, b"text", "a.txt")) == 1


def test_records_before_a_crash_stand_and_the_dead_letter_says_after_which(pool):
    line = json.dumps({"text": "x" * 200_000}).encode() + b"\n"
    stop = 4 << 20

    def read_range(start, end):
        if start >= stop // 2:
            for child in find_children():
                os.kill(child, signal.SIGSEGV)
        return (line * 30)[start:end]

    file = InputFile(source="a.jsonl", modified=1)
    *records, letter = pool.parse_partition(
        read_range, file, start=0, end=stop, size=stop, max_record_bytes=1 << 20
    )
    assert len(records) > 3
    assert letter.position == f"after {records[-1].position}"


def test_a_store_that_fails_is_told_and_the_process_goes_on(pool):
    def fail(start, end):
        raise StoreError(path="a", detail="the disk is gone")

    parse(pool, b"text", "a.txt")
    before = find_children()
    for name in ("a.txt", "a.jsonl", "a.parquet", "a.pdf"):
        file = InputFile(source=name, modified=1)
        with pytest.raises(StoreError, match="the disk is gone"):
            list(pool.parse_partition(fail, file, start=0, end=9, size=9, max_record_bytes=99))
    assert find_children() == before


def test_a_process_has_no_secrets_and_no_descriptors_of_its_caller(pool, monkeypatch):
    monkeypatch.setenv("EAGLERAY_S3__SECRET_ACCESS_KEY", "hunter2")
    parse(pool, b"text", "a.txt")
    (child,) = find_children()
    environment = Path(f"/proc/{child}/environ").read_bytes()
    assert b"EAGLERAY" not in environment
    assert b"hunter2" not in environment
    links = {str(entry.readlink()) for entry in Path(f"/proc/{child}/fd").iterdir()}
    assert not [link for link in links if not link.startswith(("pipe:", "/dev/null"))]


def test_processes_are_replaced_after_so_many_files():
    pool = ParserPool(ParseLimits(recycle_files=2))
    seen = []
    for _ in range(4):
        parse(pool, b"text", "a.txt")
        seen.append(find_children())
    assert seen[1] == seen[3] == set()
    assert seen[0] != seen[2]


def test_threads_share_a_few_processes_and_none_is_left_behind():
    pool = ParserPool(LIMITS, n_processes=2)
    counts = []

    def work():
        for _ in range(5):
            counts.append(len(parse(pool, b'{"text": "x"}\n' * 50, "a.jsonl")))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert counts == [50] * 25
    assert len(find_children()) <= 2
    pool.close()
    assert find_children() == set()


def test_a_file_that_is_given_up_ends_its_process(pool):
    found = pool.parse_bytes(b'{"text": "x"}\n' * 900, InputFile(source="a.jsonl", modified=1))
    next(found)
    found.close()
    assert find_children() == set()
    assert len(parse(pool, b"text", "a.txt")) == 1


def test_the_program_of_a_process_loads_nothing_heavy():
    names = "numpy pandas pyarrow pydantic torch faiss ray httpx"
    loaded = f"' '.join({{*'{names}'.split()}} & {{*sys.modules}})"
    code = f"import sys, eagleray.documents.parsing.child; sys.exit({loaded} or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_line_that_unpacks_to_too_much_takes_no_other_with_it(pool):
    wide = b'{"text": "x", "wide": [' + b"[]," * 6_000_000 + b"[]]}\n"
    letter, record = parse(pool, wide + b'{"text": "good"}\n', "a.jsonl")
    assert (letter.reason, letter.position) == (DeadLetterReason.LIMIT_EXCEEDED, "byte 0")
    assert record.fields == {"text": "good"}


def test_a_part_of_a_file_may_take_what_its_own_bytes_allow(pool):
    lines = b'{"text": "x"}\n' * 2_001
    data = lines + PADDING * 3
    file = InputFile(source="a.jsonl", modified=1)
    for end, told in ((len(lines), "more than 2000 records"), (len(data), "")):
        *_, last = pool.parse_partition(
            lambda start, stop: data[start:stop],
            file,
            start=0,
            end=end,
            size=len(data),
            max_record_bytes=1 << 20,
        )
        assert isinstance(last, DeadLetter) is bool(told)
        assert told in getattr(last, "detail", "")


def test_any_limit_of_time_that_can_be_set_can_be_waited_for():
    pool = ParserPool(ParseLimits(timeout_s=86_400.0))
    file = InputFile(source="a.jsonl", modified=1)
    data = b'{"text": "x"}\n' + PADDING
    found = pool.parse_partition(
        lambda start, end: data[start:end],
        file,
        start=0,
        end=6 * SHARE_BYTES,
        size=6 * SHARE_BYTES,
        max_record_bytes=1 << 20,
    )
    assert [type(item) for item in found] == [RawRecord]
    pool.close()


def test_a_process_that_ended_while_it_waited_takes_no_file_with_it(pool):
    parse(pool, b"text", "a.txt")
    (child,) = find_children()
    os.kill(child, signal.SIGKILL)
    block_until(lambda: "\nState:\tZ" in Path(f"/proc/{child}/status").read_text())
    assert [type(item) for item in parse(pool, b"text", "a.txt")] == [RawRecord]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("print('a greeting')", "FrameKind"),
        ("import os; os.write(1, b'\\x0b\\0\\0\\0\\0')", "something else"),
        ("raise SystemExit(3)", "code 3"),
    ],
)
def test_a_process_that_begins_otherwise_is_an_error_and_is_ended(pool, monkeypatch, program, told):
    monkeypatch.setattr(parser_process, "_PROGRAM", program)
    with pytest.raises(ParserError, match=told):
        parse(pool, b"text", "a.txt")
    assert find_children() == set()


@pytest.mark.parametrize(
    ("closes", "bound", "reason", "told"),
    [
        ("", "_WALL_FACTOR", DeadLetterReason.LIMIT_EXCEEDED, "come to an end"),
        ("os.close(1); ", "_EXIT_S", DeadLetterReason.PARSER_FAILED, "does not end"),
    ],
    ids=["says nothing", "closes its pipe"],
)
def test_a_process_that_stays_is_ended_after_a_while(pool, monkeypatch, closes, bound, reason, told):
    silent = f"import os, time; os.write(1, b'\\x0a\\0\\0\\0\\0'); {closes}time.sleep(60)"
    monkeypatch.setattr(parser_process, "_PROGRAM", silent)
    monkeypatch.setattr(parser_process, bound, 0.1)
    (letter,) = parse(pool, b"text", "a.txt")
    assert letter.reason is reason
    assert told in letter.detail
    assert find_children() == set()


def test_bytes_and_text_that_is_no_utf_8_come_out_of_the_process_as_they_went_in(pool):
    offsets = b"".join(n.to_bytes(4, "little") for n in (0, 3))
    bad = pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(b"b\xe9d"))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"_id": ["a"], "text": bad, "groups": [b"desk-a"]}), sink)
    (record,) = parse(pool, sink.getvalue().to_pybytes(), "a.parquet")
    assert record.fields == {"_id": "a", "text": "b\udce9d", "groups": b""}
