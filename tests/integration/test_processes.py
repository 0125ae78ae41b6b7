"""`eagleray ingest` and `import` as processes of their own on the shared cluster: killed, and at once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eagleray.contracts.exchange import ExchangeFormat, ExportRequest, ImportRequest
from eagleray.contracts.principals import Principal
from eagleray.setting_groups.engine import JobSettings
from indexes.service import LocalIndexService
from ray_jobs.service import RayJobService
from tests.integration.cut_runs import CUT, NOTES, find_ids, ingest, write_lines

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

EAGLERAY = Path(sys.executable).parent / "eagleray"
ALONE = JobSettings(workers=1)
N_OBJECTS = 30
"""Objects the run leaves in the store at least."""


@pytest.fixture
def start(cluster, settings, tmp_path):
    """Start `eagleray ingest` on a folder, or another command; every process is ended with the test."""
    started = []
    env = os.environ | {
        "RAY_AUTH_MODE": "token",
        "EAGLERAY_STORE": settings.store,
        "EAGLERAY_COLLECTION": settings.collection,
        "EAGLERAY_CACHE": settings.cache,
        "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
    }
    address = ray.get_runtime_context().gcs_address

    def run(folder, jobs, command=("ingest",)):
        cut = {f"EAGLERAY_JOBS__{name.upper()}": str(value) for name, value in jobs.model_dump().items()}
        line = [str(EAGLERAY), *command, str(folder), "--json", "--address", address]
        process = subprocess.Popen(
            line, env=env | cut, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait(timeout=30)
        process.stdout.close()


def finish(process):
    """Wait for a process; return its exit code and the JSON object it printed."""
    out, _ = process.communicate(timeout=180)
    return process.returncode, json.loads(out)


def count_objects(store):
    return sum(path.is_file() for path in Path(store).rglob("*"))


def kill_at(process, store, n_objects):
    """Kill the process as soon as the store holds so many objects."""
    deadline = time.monotonic() + 120
    while process.poll() is None and count_objects(store) < n_objects and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL, "the run ended before it could be killed"


def test_a_run_killed_at_random_moments_ends_with_the_snapshot_of_an_undisturbed_one(
    start, settings, tmp_path, undisturbed
):
    folder = write_lines(tmp_path / "desk" / "notes.jsonl", NOTES)
    moments = sorted(random.sample(range(2, N_OBJECTS), 2))  # random on purpose; shown where it fails
    for n_objects in moments:
        kill_at(start(folder, CUT), settings.store, n_objects)
    code, report = finish(start(folder, CUT))
    assert (code, report.get("snapshot")) == (0, undisturbed), (moments, report)
    assert find_ids(settings) == {record["_id"] for record in NOTES}
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_an_import_killed_at_a_random_moment_ends_as_an_undisturbed_one(start, settings, tmp_path):
    origin = settings.model_copy(update={"store": str(tmp_path / "origin"), "jobs": CUT})
    ingest(origin, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))
    request = ExportRequest(
        snapshot="live",
        target=str(tmp_path / "rows"),
        format=ExchangeFormat.PARQUET,
        principal=Principal(subject="test"),
    )
    LocalIndexService(origin).export(request)
    wanted = ImportRequest(source=str(tmp_path / "rows"), model="hashing")
    whole = settings.model_copy(update={"store": str(tmp_path / "whole"), "jobs": CUT})
    undisturbed = RayJobService(whole).import_rows(wanted, lambda stage, done, total: None)["snapshot"]
    command = ("import", "--model", "hashing")
    (moment,) = random.sample(range(2, count_objects(whole.store) - 8), 1)  # the last ones follow the alias
    kill_at(start(tmp_path / "rows", CUT, command), settings.store, moment)
    code, report = finish(start(tmp_path / "rows", CUT, command))
    assert (code, report.get("snapshot")) == (0, undisturbed), (moment, report)
    assert find_ids(settings) == {record["_id"] for record in NOTES}
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_of_two_processes_at_once_none_loses_or_mixes_the_others_delivery(start, settings, tmp_path):
    folders = [
        write_lines(tmp_path / name / "notes.jsonl", records)
        for name, records in (("rates", NOTES[:20]), ("credit", NOTES[20:]))
    ]
    ended = [finish(process) for process in [start(folder, ALONE) for folder in folders]]
    codes = sorted(code for code, _ in ended)
    assert codes in ([0, 3], [0, 0]), ended
    for folder, (code, report) in zip(folders, ended, strict=True):
        if code:
            assert report["error"]["type"] == "ConflictError"
            assert "run it again on top of the new snapshot" in report["error"]["message"]
            code, report = finish(start(folder, ALONE))
            assert code == 0, report
    assert find_ids(settings) == {record["_id"] for record in NOTES}
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []
