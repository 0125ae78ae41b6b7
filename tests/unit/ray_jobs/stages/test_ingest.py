from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eagleray.chunking.config import ChunkerConfig
from eagleray.contracts.collections import Collection
from eagleray.documents.dead_letters import MAX_LISTED
from eagleray.documents.mapping import DEFAULT_MAPPING
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.errors import StoreError
from indexes.runs.dead_letters import list_dead_letters
from indexes.storage.local import LocalStore
from indexes.writing.document_chunker import DocumentChunker
from ray_jobs.ledger import Ledger
from ray_jobs.sources.files.listing import SourceFile
from ray_jobs.sources.files.source import FileReading, FileSource, FileSplit, Piece
from ray_jobs.stages.ingest import DocumentRows, IngestTask
from ray_jobs.stages.shard_files import ShardSizes

ROOT = Path(__file__).parents[4]


class CharacterCounter:
    def find_offsets(self, text):
        return [(start, start + 1) for start in range(len(text))]


READING = FileReading(
    parsers=ParserPool(ParseLimits()),
    mapping_digest="m",
    partition_bytes=1 << 20,
    max_record_bytes=1 << 20,
)
SIZES = ShardSizes(n_shards=1, max_file_bytes=1 << 26)


def make_rows(counter=None):
    config = ChunkerConfig(max_tokens=256, target_tokens=230, overlap_tokens=40)
    return DocumentRows(
        DEFAULT_MAPPING, DocumentChunker(counter or CharacterCounter(), chunker=config, chunker_digest="c")
    )


class BadDisk(LocalStore):
    """A folder on a disk with a bad block: one file's bytes cannot be read."""

    def read_range(self, path, start, end):
        def fail(file):
            raise OSError(self.errno, os.strerror(self.errno))

        return self._reading(path, fail)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "a.txt").write_text("Bonds pay coupons.")
    return tmp_path / "desk"


def ingest(folder, name, *, source=None):
    """Ingest one file of the folder as listed now, and return the outcome and the dead letters."""
    source = source or LocalStore(folder)
    item = next(item for item in LocalStore(folder).list("") if item.path == name)
    return run(folder, make_piece(name, item.size_bytes, end=99), source)


def make_piece(name, size_bytes, *, end):
    file = SourceFile(path=name, size_bytes=size_bytes, modified=1, tag="t")
    return Piece(file=file, start=0, end=end)


def run(folder, piece, source):
    return run_pieces(folder, [piece], source)


def run_pieces(folder, pieces, store, *, rows=None):
    ledger = Ledger(Collection(LocalStore(folder.parent / "store"), "notes"), run_id="r")
    ledger.begin({})
    source = FileSource(store, READING, name="desk")
    task = IngestTask(ledger, source, rows or make_rows(), sizes=SIZES)
    outcome = task(FileSplit(key="s", size_bytes=1, pieces=tuple(pieces)))
    return outcome, list_dead_letters(Collection(ledger.store, "notes"), run="r")


@pytest.mark.parametrize("name", ["gone.txt", "gone.jsonl", "gone.parquet", "loop.md", "loop.ndjson"])
def test_a_link_that_leads_nowhere_is_a_dead_letter(folder, name):
    (folder / name).symlink_to(folder / (name if "loop" in name else "nothing"))
    outcome, letters = ingest(folder, name)
    assert (outcome.n_documents, outcome.n_dead_letters) == (0, 1)
    assert (letters[0]["source"], letters[0]["reason"]) == (f"desk/{name}", "unreadable_file")
    assert ("symbolic links" if "loop" in name else "vanished") in letters[0]["detail"]
    assert "retry" in letters[0]["detail"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.parquet"])
def test_a_file_that_vanishes_after_it_was_listed_is_a_dead_letter(folder, name):
    piece = make_piece(name, 18, end=18)
    (folder / "a.txt").unlink()
    outcome, letters = run(folder, piece, LocalStore(folder))
    assert (outcome.n_documents, outcome.n_dead_letters) == (0, 1)
    assert letters[0]["reason"] == "unreadable_file"


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_a_file_whose_bytes_cannot_be_read_is_a_dead_letter_that_says_why(folder, code):
    source = BadDisk(folder)
    source.errno = code
    outcome, letters = ingest(folder, "a.txt", source=source)
    assert (outcome.n_documents, outcome.n_dead_letters) == (0, 1)
    assert os.strerror(code) in letters[0]["detail"]


def test_a_source_that_is_gone_is_an_error_and_no_heap_of_dead_letters(folder):
    source = LocalStore(folder)
    assert source.exists("a.txt")
    piece = make_piece("a.txt", 18, end=18)
    shutil.rmtree(folder)
    with pytest.raises(StoreError, match="was there and is gone"):
        run(folder, piece, source)


def test_a_failing_service_is_an_error_and_no_dead_letter(folder):
    source = BadDisk(folder)
    source.errno = errno.ESTALE
    with pytest.raises(StoreError):
        ingest(folder, "a.txt", source=source)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read as Linux tells it")
def test_a_line_of_200_megabytes_is_a_dead_letter_and_is_never_held(folder):
    good = b'{"_id": "%d", "text": "A bond."}\n'
    with (folder / "giant.jsonl").open("wb") as file:
        file.write(good % 1 + b'{"_id": "giant", "text": "')
        for _ in range(200):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + good % 2)
    command = [sys.executable, "-m", "tests.unit.ray_jobs.stages.giant_line", folder, folder.parent / "store"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (folder / "giant.jsonl").unlink()
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["n_documents"] == 3
    assert [(item["position"], item["reason"]) for item in shown["letters"]] == [
        (f"byte {len(good % 1)}", "record_too_large")
    ]
    assert shown["grown_bytes"] < 1.5 * shown["max_record_bytes"]


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.txt", "empty.md", "empty.html"])
def test_a_file_of_no_bytes_is_a_dead_letter(folder, name):
    (folder / name).touch()
    outcome, (letter,) = ingest(folder, name)
    assert (outcome.n_documents, outcome.n_dead_letters, outcome.faulty) == (0, 1, (name,))
    assert (letter["reason"], letter["position"]) == ("empty_text", "")


def test_of_many_dead_letters_the_first_are_listed_and_the_totals_are_exact(folder):
    broken, unmapped = b"x\n" * (MAX_LISTED + 500), b'{"_id": "a"}\n' * (MAX_LISTED + 700)
    data = broken + unmapped + b'{"_id": "good", "text": "A bond."}\n'
    (folder / "bad.jsonl").write_bytes(data)
    (folder / "other.jsonl").write_text("y\n")
    pieces = [
        make_piece(name, size, end=size) for name, size in (("bad.jsonl", len(data)), ("other.jsonl", 2))
    ]
    outcome, letters = run_pieces(folder, pieces, LocalStore(folder))
    assert (outcome.n_documents, outcome.n_dead_letters) == (1, 2 * MAX_LISTED + 1_201)
    assert outcome.faulty == ("bad.jsonl", "other.jsonl")
    assert len(letters) == MAX_LISTED + 3
    assert sum(letter["n"] for letter in letters) == outcome.n_dead_letters
    held = {letter["reason"]: letter for letter in letters if letter["n"] > 1}
    assert {reason: letter["n"] for reason, letter in held.items()} == {
        "invalid_json": 500,
        "missing_field": MAX_LISTED + 700,
    }
    assert held["invalid_json"]["position"] == f"byte {2 * MAX_LISTED}"
    assert held["missing_field"]["position"] == f"byte {len(broken)}"


class FailingCounter(CharacterCounter):
    """Fails on one text, in a way nobody expects."""

    def find_offsets(self, text):
        if "poison" in text:
            raise ZeroDivisionError(text)
        return super().find_offsets(text)


def test_a_document_that_nobody_can_cut_is_a_dead_letter_that_names_the_class_alone(folder):
    (folder / "b.jsonl").write_text('{"_id": "1", "text": "poison"}\n{"_id": "2", "text": "good"}\n')
    piece = make_piece("b.jsonl", (folder / "b.jsonl").stat().st_size, end=99)
    rows = make_rows(FailingCounter())
    outcome, letters = run_pieces(folder, [piece], LocalStore(folder), rows=rows)
    assert (outcome.n_documents, outcome.n_dead_letters) == (1, 1)
    assert letters[0]["reason"] == "parser_failed"
    assert "ZeroDivisionError" in letters[0]["detail"]
    assert "poison" not in letters[0]["detail"]
