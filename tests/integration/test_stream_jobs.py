"""Jobs on Ray ingest a log that grows: killed in the middle, resumed, and overtaken by one another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.times import OPEN_END
from eagleray.errors import StreamMovedError
from indexes.service import LocalIndexService
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.streams import read_stream_position
from indexes.storage import open_store
from tests.integration.cut_runs import make_settings
from tests.integration.stream_job import NAME, PARTS, ingest_log

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

ROOT = Path(__file__).parents[2]


class Log:
    """The log below a folder, and the collection that jobs make of it."""

    def __init__(self, folder):
        self.folder, self._n = folder, 0
        (folder / "log").mkdir()

    def append(self, n, *, withdrawn=()):
        """Append messages to the parts in turn, and to the first one what is withdrawn."""
        for number in range(self._n, self._n + n):
            self._write(PARTS[number % 2], {"_id": f"m{number}", "text": f"Message {number} on bonds."})
        self._n += n
        for name in withdrawn:
            self._write(PARTS[0], {"_id": name})

    def start(self):
        """Start a job as a process of its own."""
        address = ray.get_runtime_context().gcs_address
        command = [sys.executable, "-m", "tests.integration.stream_job", str(self.folder), address]
        env = os.environ | {"RAY_AUTH_MODE": "token"}
        return subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)

    def kill_one(self, n_objects):
        """Start a job, and kill it once it has left so many objects; check that nothing of it is seen."""
        published, before, job = self.find_live(), self.count_objects(), self.start()
        deadline = time.monotonic() + 120
        while job.poll() is None and self.count_objects() < before + n_objects:
            assert time.monotonic() < deadline, "the job left nothing"
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
        assert job.wait(timeout=30) == -signal.SIGKILL, "the job ended before it could be killed"
        assert self.find_live() == published
        self.check()

    def check(self):
        """Check that rows and offsets of the published snapshot agree; return the offsets."""
        opened = open_snapshot(self.collection, "live")
        position = read_stream_position(opened.manifest, NAME)
        rows = [row for view in opened.segments for row in view.rows["doc_id"].to_pylist()]
        held = [
            name
            for view in opened.segments
            for name, end in zip(view.rows["doc_id"].to_pylist(), view.known_to.tolist(), strict=True)
            if end == OPEN_END
        ]
        messages = [item for part in PARTS for item in self._read(part)[: int(position[part])]]
        told = {item["_id"] for item in messages if "text" in item}
        withdrawn = {item["_id"] for item in messages if "text" not in item}
        assert sorted(rows) == sorted(told)
        assert sorted(held) == sorted(told - withdrawn)
        return {part: int(mark) for part, mark in position.items()}

    def list_runs(self):
        """Return the ids of the runs that were begun."""
        return {path.parent.name for path in (self.folder / "store").rglob("runs/*/plan.json")}

    def find_live(self):
        """Return the id of the published snapshot."""
        entry = read_alias(self.collection, "live")
        return entry and entry.snapshot

    def count_objects(self):
        """Count what is in the store."""
        return sum(path.is_file() for path in (self.folder / "store").rglob("*"))

    @property
    def collection(self):
        """The collection that jobs write."""
        return Collection(open_store(str(self.folder / "store")), "notes")

    def _write(self, part, message):
        with (self.folder / "log" / f"{part}.jsonl").open("a") as file:
            file.write(json.dumps(message) + "\n")

    def _read(self, part):
        return [json.loads(line) for line in (self.folder / "log" / f"{part}.jsonl").read_text().splitlines()]


@pytest.fixture
def log(cluster, tmp_path):
    """A log of thirty messages, all of them ingested."""
    log = Log(tmp_path)
    log.append(30)
    assert ingest_log(tmp_path)["documents_new"] == 30
    assert log.check() == {"0": 15, "1": 15}
    return log


def test_a_job_killed_in_the_middle_is_resumed_and_every_message_is_there_once(log):
    log.append(24, withdrawn=("m3",))
    log.kill_one(n_objects=4)
    runs = log.list_runs()
    report = ingest_log(log.folder)
    assert log.list_runs() == runs, "what was killed was not resumed"
    assert report["run"] in runs
    assert (report["documents_new"], report["removed"]) == (24, 1)
    assert log.check() == {"0": 28, "1": 27}
    assert LocalIndexService(make_settings(log.folder)).verify(snapshot="live")["findings"] == []


def test_after_a_kill_a_job_that_finds_more_messages_reads_each_of_them_once(log):
    log.append(20)
    log.kill_one(n_objects=6)
    log.append(6)
    assert ingest_log(log.folder)["documents_new"] == 26
    assert log.check() == {"0": 28, "1": 28}
    assert not ingest_log(log.folder)["changed"]


def test_a_job_that_another_one_has_overtaken_is_refused_and_leaves_no_trace(log):
    log.append(8)
    overtaking = []

    def overtake(*step):
        if not overtaking:
            log.append(4)
            overtaking.append(None)
            overtaking[0] = ingest_log(log.folder)["snapshot"]

    with pytest.raises(StreamMovedError, match="'log'"):
        ingest_log(log.folder, overtake)
    assert log.find_live() == overtaking[0]
    assert log.check() == {"0": 21, "1": 21}
