"""`serve run` with ranges of replicas: a load makes more come, its end makes them go, no request fails."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import pytest

from eagleray.contracts.audits import AuditQuery
from serve.audit.service import LocalAuditService
from tests.integration.cut_runs import NOTES, ingest, make_settings, write_lines
from tests.integration.test_ray_serving import Load, Served, show

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

RANGES = {"searchers": "1-3@2", "ingresses": "1-2@3"}
N_CLIENTS = 8
SETTLED_S = 120.0
"""Seconds within which replicas must have come, or gone: Ray hears of a load every ten."""


@pytest.fixture(scope="module")
def served(cluster):
    folder = Path(tempfile.mkdtemp(prefix="esc"))  # short: Ray makes sockets below it
    settings = make_settings(folder)
    snapshot = ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))["snapshot"]
    found = Served(folder, settings, (snapshot,), n_cpus=4, scale_up_s=2, scale_down_s=5, **RANGES)
    try:
        found.wait_until_ready(240)
        yield found
    finally:
        found.end()
        shutil.rmtree(folder, ignore_errors=True)


def count(served):
    """Return how many processes search, and how many speak HTTP."""
    titles = ("Searcher", "Ingress")
    return tuple(len(served.find(f"ray::ServeReplica:eagleray:{title}")) for title in titles)


def wait_for(served, wanted):
    """Return the seconds until there are so many processes."""
    begun = time.monotonic()
    while time.monotonic() - begun < SETTLED_S:
        if count(served) == wanted:
            return time.monotonic() - begun
        time.sleep(0.2)
    pytest.fail(f"{count(served)} instead of {wanted}")


def wait_until_all_work(served, title):
    """Wait until each of the processes has computed something more than before."""
    processes = served.find(title)
    before = [process.cpu_times().user for process in processes]
    for _ in range(300):
        now = [process.cpu_times().user for process in processes]
        if all(later - earlier > 0.2 for earlier, later in zip(before, now, strict=True)):
            return
        time.sleep(0.2)
    pytest.fail("some of them do nothing")


def test_replicas_come_with_a_load_and_go_with_it_and_no_request_fails(served, record_property):
    assert count(served) == (1, 1)
    expected = show(served.settings, served.snapshots[0])
    with Load(served, n_clients=1) as little:
        with Load(served, n_clients=N_CLIENTS) as much:
            record_property("up_s", round(wait_for(served, (3, 2)), 1))
            wait_until_all_work(served, "ray::ServeReplica:eagleray:Searcher")
            wait_until_all_work(served, "ray::ServeReplica:eagleray:Ingress")
        record_property("down_s", round(wait_for(served, (1, 1)), 1))
        n_answered = len(little.answers)
        time.sleep(2.0)
    assert (much.failed, little.failed) == ([], [])
    assert len(little.answers) > n_answered
    answers = [answer for _, answer in much.answers + little.answers]
    assert all(answer == expected for answer in answers)
    record_property("answers", len(answers))
    assert_each_answer_is_recorded(served.settings, len(answers))


def assert_each_answer_is_recorded(settings, n_answers):
    """Check the chains of the ingresses: the one that went has ended its own, and none lost an answer."""
    time.sleep(3.0)  # records wait a second at most to be stored
    audit = LocalAuditService(settings)
    verified = audit.verify(heads="")
    assert (verified["findings"], verified["chains"], len(verified["unfinished"])) == ([], 2, 1)
    records = [row for row in audit.show(AuditQuery()) if row["kind"] == "request"]
    assert len(records) == n_answers
