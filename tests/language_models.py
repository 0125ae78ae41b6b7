"""A server of the small language model for tests: `eagleray models serve`, begun once and ended whole.

Where there is no environment for language models, or no model in the cache, tests that need them are skipped;
with `REQUIRE_LANGUAGE_MODELS=1` they fail.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from eagleray.models.language.installed import find_python
from eagleray.settings import load_settings

MODEL = "test-llm"
START_S = 600.0
EAGLERAY = Path(sys.executable).parent / "eagleray"


def find_what_is_missing():
    """Return what language models need that is not here; empty where they can be served."""
    settings = load_settings()
    if not find_python(settings.llm.python).is_file():
        return "there is no environment for language models: make llm"
    if not (settings.cache_folder / "language_models" / MODEL / "eagleray.json").is_file():
        return f"{MODEL} is not in the cache: eagleray models install {MODEL} --accept-licence"
    return ""


class ModelServer:
    """What `eagleray models serve` printed, and what its engine does."""

    def __init__(self, process, told):
        self.process, self.url, self.metrics_url = process, told["url"], told["metrics_url"]

    def read_metric(self, name):
        """Return a metric of vLLM as Ray exports it, summed over the engines; `None` before the first."""
        text = httpx.get(self.metrics_url, timeout=30).text
        found = re.findall(rf"^ray_vllm_{name}\{{[^}}]*}} (\S+)$", text, re.M)
        return sum(map(float, found)) if found else None


@contextmanager
def run_model_server(log, *models, **environment):
    """Give a server of models, by default the small one; afterwards none of its processes is left."""
    missing = find_what_is_missing()
    if missing:
        (pytest.fail if os.environ.get("REQUIRE_LANGUAGE_MODELS") else pytest.skip)(missing)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [EAGLERAY, "models", "serve", *(models or [MODEL]), "--port", str(port), "--json"]
    with Path(log).open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **environment}
        )
    late = threading.Timer(START_S, process.terminate)
    late.start()
    seen = []
    try:
        line = process.stdout.readline()
        late.cancel()
        if not line:
            pytest.fail(f"the models were not served:\n{Path(log).read_text()[-8000:]}")
        seen = psutil.Process(process.pid).children(recursive=True)
        yield ModelServer(process, json.loads(line))
    finally:
        late.cancel()
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=120)
        process.stdout.close()
    assert code == 0
    assert [item for item in seen if item.is_running()] == []
