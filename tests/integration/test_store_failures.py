from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from eagleray.errors import StoreError
from eagleray.setting_groups.engine import JobSettings
from indexes.service import LocalIndexService
from tests.integration.cut_runs import CUT, NOTES, find_ids, ingest, note
from tests.servers import BUCKET, run_s3_process

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

MAX_SECONDS = 60
"""What a failure may take to be told; a stage without one takes less than a tenth of it."""


def at(stage, act):
    """Return a progress callback that acts once, when the first shard of a stage is done."""
    acted = []

    def on_progress(name, done, total):
        if name == stage and not acted:
            acted.append(name)
            act()

    return on_progress


@pytest.fixture
def settings(settings):
    """Cut the input into several partitions and shards, so that work is left when a stage is met."""
    return settings.model_copy(update={"jobs": CUT})


@pytest.mark.parametrize("stage", ["ingest", "embed", "build"])
def test_a_store_that_is_moved_away_ends_the_run_and_goes_on_when_it_is_back(
    cluster, settings, write_notes, tmp_path, stage, undisturbed
):
    folder, store, away = write_notes(NOTES), tmp_path / "store", tmp_path / "away"
    started = time.monotonic()
    with pytest.raises(StoreError, match="the folder was there and is gone; bring it back"):
        ingest(settings, folder, at(stage, lambda: store.rename(away)))
    assert time.monotonic() - started < MAX_SECONDS
    assert not store.exists()
    away.rename(store)
    report = ingest(settings, folder)
    assert report["snapshot"] == undisturbed
    assert find_ids(settings) == {record["_id"] for record in NOTES}


def test_a_store_that_is_deleted_is_an_error_with_exit_code_5(cli, write_notes, tmp_path, monkeypatch):
    folder, store = write_notes(NOTES), tmp_path / "store"
    removed = []

    def remove(stage, done, total):
        if not removed:
            removed.append(shutil.rmtree(store))

    monkeypatch.setenv("EAGLERAY_JOBS__PARTITION_BYTES", "1024")
    monkeypatch.setattr("eagleray.cli.ingestion.report_progress", lambda **_: _Progress(remove))
    failed = cli("ingest", folder)
    assert (failed.code, failed.out) == (5, "")
    assert failed.err.count("\n") == 1
    assert "was there and is gone" in failed.err
    assert not store.exists()


class _Progress:
    """A progress report that calls a function instead of printing."""

    def __init__(self, act):
        self._act = act

    def __enter__(self):
        return self._act

    def __exit__(self, *_):
        return None


def test_of_two_first_runs_that_meet_both_are_published(cluster, settings, write_notes, tmp_path):
    settings = settings.model_copy(update={"jobs": JobSettings(workers=2)})
    first = write_notes(NOTES[:20])
    other = tmp_path / "credit"
    other.mkdir()
    shutil.copy(write_notes(NOTES[20:], name="more.jsonl") / "more.jsonl", other)
    (first / "more.jsonl").unlink()
    ingest(settings, first, at("build", lambda: ingest(settings, other)))
    assert find_ids(settings) == {record["_id"] for record in NOTES}
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of four megabytes at the store's place."""
    store = tmp_path / "store"
    store.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(store)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield store
    finally:
        subprocess.run(["umount", "--lazy", str(store)], check=True)


def ingest_alone(folder):
    """Run the command in a process and on a cluster of its own, as people do.

    What Ray says of the killed actors of a stage may come late: on the shared cluster it would stand
    in the output of a later command.
    """
    command = [sys.executable, "-m", "eagleray", "ingest", str(folder), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def test_a_full_disk_is_an_error_that_leaves_the_old_snapshot_and_goes_on_when_there_is_room(
    cli, write_notes, small_disk
):
    folder = write_notes(NOTES[:4])
    first = cli("ingest", folder, "--json").shown
    large = [note(number, f"pays {number**9} " + "and more " * 200) for number in range(100, 300)]
    write_notes(large, name="large.jsonl")
    published = [path for path in (small_disk / "notes").rglob("*") if "runs" not in path.parts]
    before = {path: path.read_bytes() for path in published if path.is_file()}
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 120_000))
    failed = ingest_alone(folder)
    assert failed.returncode == 5, failed.stderr
    told = json.loads(failed.stdout)["error"]["message"]
    assert "No space left on device; free some space and run the same command again" in told
    assert [path for path, data in before.items() if path.read_bytes() != data] == []
    assert list(small_disk.rglob(".partial-*")) == []
    verified = cli("snapshots", "verify", "--json").shown
    assert (verified["snapshot"], verified["findings"]) == (first["snapshot"], [])
    assert len(cli("search", "bond", "--json").shown["hits"]) == 4
    filler.unlink()
    done = cli("ingest", folder, "--json")
    assert (done.code, done.shown["documents_new"]) == (0, 200), done.out
    assert cli("snapshots", "verify", "--json").shown["findings"] == []


@pytest.fixture
def s3(cli, monkeypatch):
    """An S3 server as the settings' own, and its process."""
    with run_s3_process() as (settings, process):
        for name in ("endpoint", "allow_http", "timeout_s"):
            monkeypatch.setenv(f"EAGLERAY_S3__{name.upper()}", str(getattr(settings, name)))
        for name in ("access_key_id", "secret_access_key"):
            monkeypatch.setenv(f"EAGLERAY_S3__{name.upper()}", "test")
        yield settings, process


def test_a_service_that_is_gone_ends_the_run_after_bounded_retries(cluster, settings, write_notes, s3):
    access, process = s3
    remote = settings.model_copy(update={"store": f"s3://{BUCKET}/store", "s3": access})
    started = []

    def stop():
        process.kill()
        process.wait(timeout=30)
        started.append(time.monotonic())

    with pytest.raises(StoreError, match=f"s3://{BUCKET}/store") as caught:
        ingest(remote, write_notes(NOTES), at("ingest", stop))
    assert caught.value.exit_code == 5
    assert time.monotonic() - started[0] < MAX_SECONDS
