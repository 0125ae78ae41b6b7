"""What do Ray Serve and its two proxies cost beside one process that serves?

    python -m benchmarks.proxies CORPUS_DIR [--seconds S] [--rounds N] [--limit N]

The same collection (hashing embedder) is served by `eagleray serve`, by `serve run` behind Ray Serve's own
proxy, and by `serve run` behind HAProxy, one searcher each. All three run all the time; loads of 1, 8 and 32
clients take turns, and so does the engine in a process of its own, with a thread a core. Prints questions a
second and milliseconds, medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import numpy as np

from benchmarks.engine_load import EngineProcess
from benchmarks.http_client import write_request
from benchmarks.load import Load, LoadProcess
from benchmarks.reporting import show_result
from benchmarks.served_corpus import ingest_corpus, read_queries
from benchmarks.serving_process import run_server
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.parts import KEYS
from eagleray.settings import Settings

_CLIENTS: Final = (1, 8, 32)
_STARTING_S: Final = 240.0
_TIMES: Final = 50
"""Times that the engine may be asked every question in a turn; it has enough to do until the turn ends."""

_SERVE: Final = Path(sys.executable).parent / "serve"


def main() -> None:
    """Serve three times, measure in turns; exit code 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=600, help="passages; 0 takes all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="erp") as name, ExitStack() as stack:
        folder = Path(name)
        settings, _ = ingest_corpus(arguments.corpus, folder, model="hashing", limit=arguments.limit)
        key = make_key(settings)
        urls = {
            proxy: stack.enter_context(run_ray(settings, folder / proxy[0], is_haproxy=proxy == "haproxy"))
            for proxy in ("ray", "haproxy")
        }
        env = {"EAGLERAY_AUTH__API_KEYS": "true"}
        urls["one_process"] = stack.enter_context(run_server(settings, options=(), env=env))
        for url in urls.values():
            wait_until_ready(url)
        process = stack.enter_context(LoadProcess())
        engine = stack.enter_context(EngineProcess(settings))
        measured = _Measured(arguments, process, engine)
        found = measured.compare(urls, write_paths(settings), read_queries(arguments.corpus), key)
    show_result({"figures": found, "engine_per_s": measured.engine_per_s, "failed": measured.n_failed})
    sys.exit(1 if measured.n_failed else 0)


def make_key(settings: Settings) -> str:
    """Return the key of a new reader: behind HAProxy, Ray Serve listens for everybody."""
    request = KeyRequest(subject="load", roles=frozenset({Role.READER}), zones=None)
    return str(KEYS.load(settings).create(request)["key"])


def write_paths(settings: Settings) -> str:
    """Return the path that is asked."""
    return f"/collections/{settings.collection}/search"


@contextmanager
def run_ray(settings: Settings, folder: Path, *, is_haproxy: bool) -> Iterator[str]:
    """Serve with Ray Serve for the length of a block, and give the URL, perhaps before it answers."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    application = {"name": "eagleray", "import_path": "serve.app:build", "args": {}}
    config = {"http_options": {"host": "127.0.0.1", "port": port}, "applications": [application]}
    (folder / "serve.yaml").write_text(json.dumps(config))
    env = os.environ | {
        "RAY_ADDRESS": "local",
        "RAY_TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_SERVE_ENABLE_HA_PROXY": str(int(is_haproxy)),
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
        "EAGLERAY_STORE": settings.store,
        "EAGLERAY_COLLECTION": settings.collection,
        "EAGLERAY_CACHE": settings.cache,
        "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
        "EAGLERAY_AUTH__API_KEYS": "true",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["env", "--default-signal=INT", str(_SERVE), "run", str(folder / "serve.yaml")],
            env=env,
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=90)


def wait_until_ready(url: str) -> None:
    """Wait until a server answers a real question.

    Raises:
        RuntimeError: it does not in time.
    """
    until = time.monotonic() + _STARTING_S
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{url} is not ready")


class _Measured:
    """Lets servers and engine take turns."""

    def __init__(self, arguments: argparse.Namespace, process: LoadProcess, engine: EngineProcess) -> None:
        self.n_failed, self._engine_rates = 0, list[float]()
        self._arguments, self._process, self._engine = arguments, process, engine

    @property
    def engine_per_s(self) -> float:
        """Questions a second that the engine answers, median of the rounds."""
        return round(median(self._engine_rates), 1)

    def compare(
        self, urls: Mapping[str, str], path: str, texts: Sequence[str], key: str
    ) -> dict[str, dict[str, list[float]]]:
        """Return questions a second, p50 and p99 (ms) of each server for each number of clients."""
        turns: dict[tuple[int, str], list[list[float]]] = {}
        headers = {"Authorization": f"Bearer {key}"}
        for number in range(self._arguments.rounds + 1):
            for n_clients in _CLIENTS:
                for name, url in urls.items():
                    requests = [write_request(url, path, {"query": text}, headers) for text in texts]
                    seconds = self._arguments.seconds if number else 1.0  # the first warms
                    figures = self._ask(url, requests, n_clients=n_clients, seconds=seconds)
                    print(f"{number} {name} {n_clients}: {figures[0]:.1f}", file=sys.stderr)
                    if number:
                        turns.setdefault((n_clients, name), []).append(figures)
            n, spent = self._engine.ask([*texts] * _TIMES, seconds=self._arguments.seconds)
            print(f"{number} engine: {n / spent:.1f}", file=sys.stderr)
            if number:
                self._engine_rates.append(n / spent)
        found: dict[str, dict[str, list[float]]] = {}
        for (n_clients, name), figures_of_turns in turns.items():
            middle = [round(median(column), 1) for column in zip(*figures_of_turns, strict=True)]
            found.setdefault(str(n_clients), {})[name] = middle
        return found

    def _ask(self, url: str, requests: Sequence[bytes], *, n_clients: int, seconds: float) -> list[float]:
        load = Load(url=url, requests=requests, n_clients=n_clients, seconds=seconds, keeps_bodies=False)
        done = self._process.begin(load).result()
        self.n_failed += done.n_failed
        took = [1000.0 * (item.ended - item.began) for item in done.asked if item.status == 200]
        p50, p99 = np.percentile(took or [0.0], [50, 99])
        return [len(took) / done.seconds, float(p50), float(p99)]


if __name__ == "__main__":
    main()
