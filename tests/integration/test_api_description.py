"""A server holds to the description that it gives of itself, whatever it is asked and by whom."""

from __future__ import annotations

import pytest

from benchmarks.http_fuzz import KEYS_ALONE, list_known, make_credentials, write_notes
from benchmarks.http_fuzzing import FuzzReport, fuzz
from benchmarks.http_odd_asking import ask_odd
from benchmarks.serving_process import run_server
from tests.integration.cut_runs import ingest

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


def test_no_drawn_request_fails_the_server_or_gets_what_is_not_described(cluster, settings, tmp_path):
    ingested = ingest(settings, write_notes(tmp_path / "desk"))
    credentials = make_credentials(settings)
    with run_server(settings, options=(), env=KEYS_ALONE) as url:
        report = fuzz(url, credentials=credentials, known=list_known(ingested), n=1_000, seed=1)
    assert report.told == []
    assert (report.server_errors, report.violations) == (0, 0)
    assert report.calls > 400
    assert {200, 400, 401, 403, 404, 422} <= set(report.statuses)


def test_no_odd_request_fails_the_server(cluster, settings, tmp_path):
    ingested, report = ingest(settings, write_notes(tmp_path / "desk")), FuzzReport()
    credentials = make_credentials(settings)
    with run_server(settings, options=(), env=KEYS_ALONE) as url:
        ask_odd(url, report, credentials=credentials, known=list_known(ingested), n=1_000, seed=1)
    assert report.told == []
    assert (report.calls, report.server_errors, report.violations) == (1_000, 0, 0)
    assert {200, 400, 401, 403, 404, 415, 422} <= set(report.statuses)
