"""How long does nothing answer after `kill -9` of HAProxy in front of Ray Serve?

    python -m benchmarks.proxy_kills CORPUS_DIR [--rounds N]

A collection (hashing embedder, 200 passages) is served by `serve run` behind HAProxy, which is killed again
and again. Prints the seconds until a real question was answered, and went on to be.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.proxies import make_key, run_ray, wait_until_ready
from benchmarks.reporting import show_result
from benchmarks.served_corpus import ingest_corpus

_STEADY: Final = 5
"""Answers one after another that make it steady."""

_WATCHED_S: Final = 150.0
_BETWEEN_S: Final = 5.0


def main() -> None:
    """Serve, kill and watch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="erk") as name:
        settings, _ = ingest_corpus(arguments.corpus, Path(name), model="hashing", limit=200)
        make_key(settings)
        with run_ray(settings, Path(name) / "h", is_haproxy=True) as url:
            wait_until_ready(url)
            seconds = [kill_and_watch(url) for _ in range(arguments.rounds)]
    show_result({"seconds_until_answered": seconds})


def kill_and_watch(url: str) -> float:
    """Kill HAProxy, and return the seconds until the first of some answers without a failure between.

    Raises:
        RuntimeError: there is no HAProxy, or nothing answers for too long.
    """
    killed = [item for item in psutil.Process().children(recursive=True) if item.name() == "haproxy"]
    if not killed:
        raise RuntimeError("no process named haproxy is at work")
    for process in killed:
        process.kill()
    started, answered = time.monotonic(), list[float]()
    while time.monotonic() - started < _WATCHED_S:
        try:
            is_answered = httpx.get(f"{url}/health/ready", timeout=3).status_code == 200
        except httpx.TransportError:
            is_answered = False
        answered = [*answered, time.monotonic() - started] if is_answered else []
        if len(answered) == _STEADY:
            time.sleep(_BETWEEN_S)
            return round(answered[0], 1)
        time.sleep(0.2)
    raise RuntimeError(f"nothing answers {_WATCHED_S} seconds after HAProxy was killed")


if __name__ == "__main__":
    main()
