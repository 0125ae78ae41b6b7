"""`eagleray serve` sends its spans to a collector that speaks OTLP, and misses none where there is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.integration.collectors import collecting
from tests.integration.cut_runs import NOTES, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


@pytest.fixture
def collector():
    """A collector: what it got, and where it listens."""
    with collecting() as found:
        yield found


@pytest.fixture
def ask(cluster, settings, tmp_path):
    """Serve with spans sent to an endpoint, ask once, end it; return status, exit code and seconds to end."""
    ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))

    def run(endpoint):
        env = os.environ | {
            "EAGLERAY_STORE": settings.store,
            "EAGLERAY_COLLECTION": settings.collection,
            "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
            "EAGLERAY_TRACING__ENDPOINT": endpoint,
        }
        command = [sys.executable, "-m", "eagleray", "serve", "--port", "0", "--json", "--development"]
        process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            url = json.loads(process.stdout.readline())["url"]
            path = f"{url}/collections/{settings.collection}/search"
            status = httpx.post(path, json={"query": "bond coupon"}, timeout=30).status_code
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            return status, process.wait(timeout=60), time.monotonic() - started
        finally:
            process.kill()
            process.wait(timeout=30)
            process.stdout.close()

    return run


def test_the_last_spans_are_sent_before_the_process_ends(ask, collector):
    kept, endpoint = collector
    status, code, _ = ask(endpoint)
    assert (status, code) == (200, 0)
    assert {"POST /collections/{name}/search", "search", "score"} <= {span.name for span in kept.spans}
    assert len({span.trace_id for span in kept.spans}) == 1
    assert {sender["service.name"] for sender in kept.senders} == {"eagleray"}


def test_without_its_collector_it_answers_and_ends(ask):
    status, code, elapsed_s = ask("http://127.0.0.1:9")
    assert (status, code) == (200, 0)
    assert elapsed_s < 20
