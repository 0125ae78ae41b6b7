"""Rows of a stream and its offsets, where the process that commits them is killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from tests.integration.stream_writer import NAME, make_collection, read_offset

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.fixture
def store(tmp_path):
    found = open_store(tmp_path / "store")
    make_collection(found)
    return found


class Writers:
    """Starts writers, one after the other.

    Attributes:
        commit_s: seconds that one commit takes.
    """

    def __init__(self, process):
        self._process = process
        self.commit_s = float(process.stdout.readline())

    def start(self):
        """Return the id of a writer that has begun."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        lines = {self._process.stdout.readline().strip() for _ in range(2)}
        return int(next(line for line in lines if line != "."))

    def wait(self):
        """Return how the writer ended."""
        return int(self._process.stdout.readline())


@contextmanager
def start_writers(tmp_path):
    command = [sys.executable, "-m", "tests.integration.stream_writer", str(tmp_path / "store")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Writers(process)
        process.stdin.close()


def check(store):
    """Check that every message before the offset is there once and none after it; return the offset."""
    opened = open_snapshot(Collection(store, NAME), "live")
    offset = read_offset(store)
    names = [name for view in opened.segments for name in view.rows["doc_id"].to_pylist()]
    assert sorted(names) == sorted(f"m{number}" for number in range(offset))
    assert opened.n_documents == opened.manifest.n_documents == offset
    return offset


def test_killed_at_any_moment_rows_and_offsets_agree_and_no_message_is_lost_or_there_twice(store, tmp_path):
    moments = np.random.default_rng(20261130)
    found = [0]
    with start_writers(tmp_path) as writers:
        for _ in range(KILLS):
            writer = writers.start()
            time.sleep(moments.uniform(0.0, 5 * writers.commit_s))
            os.kill(writer, signal.SIGKILL)
            assert writers.wait() == -signal.SIGKILL
            found.append(check(store))
    assert found == sorted(found)
    assert found[-1] > KILLS, "the writers were killed before they wrote anything"


def test_of_two_writers_of_a_stream_one_is_refused_and_nothing_is_there_twice(store, tmp_path):
    with start_writers(tmp_path) as first, start_writers(tmp_path) as second:
        writers = [first.start(), second.start()]
        deadline = time.monotonic() + 60
        ended = []
        while not ended and time.monotonic() < deadline:
            time.sleep(0.05)
            ended = [writer for writer in writers if not is_running(writer)]
        for writer in writers:
            if writer not in ended:
                os.kill(writer, signal.SIGKILL)
        codes = [first.wait(), second.wait()]
    assert 3 in codes, codes
    assert check(store) > 0


def is_running(process_id):
    state = Path(f"/proc/{process_id}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"
