"""Does a server that is half busy stay as it is: flat memory, flat latency, no errors?

    python -m benchmarks.soak CORPUS_DIR --minutes 10

What the server can do at most is measured first, in a closed loop of 32 clients. Then questions come at half
of that rate, each at its time; a question that waits for a free client waits on the clock. Memory is the
server's own (USS), looked at every few seconds; its slope leaves out the first fifth, in which caches fill.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import psutil

from benchmarks.load import Load, LoadProcess, TimedAnswer
from benchmarks.reporting import show_result
from benchmarks.served_corpus import ingest_corpus, read_queries, write_searches
from benchmarks.serving_process import run_server

_CLIENTS: Final = 32
_MOST_S: Final = 15.0
_LOOK_S: Final = 2.0
_FILLING: Final = 0.2
_MB: Final = 1 << 20


class MemoryWatch:
    """Looks at the memory of the process that listens at a URL, until it is told to end."""

    def __init__(self, url: str) -> None:
        port = urlsplit(url).port
        pids = [
            item.pid
            for item in psutil.net_connections("tcp")
            if item.status == psutil.CONN_LISTEN and item.laddr.port == port
        ]
        self._process = psutil.Process(pids[0])
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[tuple[float, float]] = []

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(_LOOK_S):
            self.seen.append((time.time(), self._process.memory_full_info().uss / _MB))


def main() -> None:
    """Serve, load and tell; exit code 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--limit", type=int, default=600, help="passages; 0 takes all")
    parser.add_argument("--share", type=float, default=0.5, help="of what the server can do at most")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-soak-") as name:
        settings, _ = ingest_corpus(chosen.corpus, Path(name), model=chosen.model, limit=chosen.limit)
        bodies = [{"query": query, "k": 10} for query in read_queries(chosen.corpus)]
        with run_server(settings) as url, LoadProcess() as process:
            requests = write_searches(url, settings.collection, bodies)
            most = _ask(process, url, requests, seconds=_MOST_S)
            per_s = chosen.share * len(most) / _MOST_S
            with MemoryWatch(url) as memory:
                asked = _ask(process, url, requests, seconds=60.0 * chosen.minutes, per_s=per_s)
    figures = tell(asked, memory.seen)
    show_result({"minutes": chosen.minutes, "per_s": round(per_s, 1), **figures})
    sys.exit(1 if figures["errors"] else 0)


def _ask(
    process: LoadProcess, url: str, requests: Sequence[bytes], *, seconds: float, per_s: float = 0.0
) -> list[TimedAnswer]:
    load = Load(
        url=url, requests=requests, n_clients=_CLIENTS, seconds=seconds, keeps_bodies=False, per_s=per_s
    )
    return process.begin(load).result().asked


def tell(asked: Sequence[TimedAnswer], seen: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return the figures of a load, its latencies by fifths, and of the memory looked at meanwhile.

    Args:
        asked: the requests.
        seen: seconds since the epoch, and megabytes.
    """
    asked = sorted(asked, key=lambda item: item.began)
    took_ms = np.array([1000.0 * (item.ended - item.began) for item in asked])
    fifths = np.array_split(took_ms, 5)
    times, sizes = (np.array(part) for part in zip(*seen, strict=True))
    is_settled = times >= times[0] + _FILLING * (times[-1] - times[0])
    slope = np.polyfit((times[is_settled] - times[0]) / 60.0, sizes[is_settled], 1)[0]
    return {
        "requests": len(asked),
        "errors": sum(item.status != 200 for item in asked),
        "p50_ms": [round(float(np.percentile(part, 50)), 1) for part in fifths],
        "p99_ms": [round(float(np.percentile(part, 99)), 1) for part in fifths],
        "memory_mb": [round(float(part.mean()), 1) for part in np.array_split(sizes, 5)],
        "memory_mb_a_minute": round(float(slope), 3),
    }


if __name__ == "__main__":
    main()
