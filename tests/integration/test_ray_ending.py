"""`serve run serve.app:build` under load, ended by SIGTERM: every answer that was given has its record."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from eagleray.contracts.audits import AuditQuery
from serve.audit.service import LocalAuditService
from tests.hashing_collections import publish_hashed
from tests.integration.redis.test_processes import Load
from tests.integration.test_ray_serving import Served

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own deprecation notices

RUN = """
from ray.serve.config import HTTPOptions
HTTPOptions.model_fields["port"].default = {port}
HTTPOptions.model_rebuild(force=True)
from ray.serve.scripts import cli
cli()
"""
"""`serve run`, which always listens on port 8000 where it is not told by a file."""


class ServedByImport(Served):
    """The application is built by `serve run` itself, from its arguments."""

    def make_command(self, file, port):
        return [sys.executable, "-c", RUN.format(port=port), "run", "serve.app:build", "is_development=true"]


@pytest.fixture
def served():
    folder = Path(tempfile.mkdtemp(prefix="ere"))  # short: Ray makes sockets below it
    settings, snapshot = publish_hashed(folder)
    # A longer wait than the test's: what is not stored when the replica ends is lost.
    found = ServedByImport(folder, settings, (snapshot,), environment={"EAGLERAY_AUDIT__FLUSH_S": "60"})
    started = []
    try:
        found.wait_until_ready(240)
        started = psutil.Process(found.process.pid).children(recursive=True)
        yield found
    finally:
        found.client.close()
        for process in [found.process, *psutil.wait_procs(started, timeout=30)[1]]:
            process.kill()
        found.process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def test_sigterm_loses_no_record_and_leaves_no_process(served):
    started = psutil.Process(served.process.pid).children(recursive=True)
    with Load(served.url) as load:
        time.sleep(3.0)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=90) == signal.SIGTERM  # Ray ends with its number
    _, left = psutil.wait_procs(started, timeout=30)
    assert left == []
    n_answered = load.n_asked - len(load.failed)
    audit = LocalAuditService(served.settings)
    records = [row for row in audit.show(AuditQuery()) if row["kind"] == "request"]
    assert len(records) >= n_answered > 10  # the connection of an answer may have ended before it came
    verified = audit.verify(heads="")
    assert (verified["findings"], verified["chains"], verified["unfinished"]) == ([], 1, [])
