"""How much memory does each process of an ingest take, with a corpus far larger than a worker's budget?

    python -m benchmarks.memory CORPUS_DIR [--budget-mb N] [--factor N] [--workers N]

The passages of a corpus are copied, each copy with a word of its own, until their bytes are `factor`
times the budget of a worker. They go through `eagleray ingest` in a process of its own with the
hashing embedder. Twice a second the memory that belongs to each process alone (its unique set size)
is read. The same is done with a few passages first: what the processes take above that is theirs to
answer for, and must stay within the budget. The driver's part must not grow with the rows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.reporting import show_result

N_FEW = 50
PERIOD_S = 0.5
MB = 1 << 20


def main() -> None:
    """Measure a small ingest and a large one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--budget-mb", type=int, default=64, help="of one worker, above a small ingest")
    parser.add_argument("--factor", type=int, default=10)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    with (arguments.corpus / "corpus.jsonl").open() as stream:
        lines = stream.readlines()
    n_bytes = arguments.budget_mb * arguments.factor * MB
    with tempfile.TemporaryDirectory(prefix="eagleray-memory-") as name:
        few = write_corpus(Path(name) / "few", itertools.islice(copy_passages(lines), N_FEW), n_bytes)
        small, _ = watch_ingest(few, arguments)
        many = write_corpus(Path(name) / "many", copy_passages(lines), n_bytes)
        large, report = watch_ingest(many, arguments)
        corpus_mb = sum(path.stat().st_size for path in many.iterdir()) / MB
    growth = {kind: round(large[kind] - small[kind], 1) for kind in large}
    show_result(
        {
            "corpus": arguments.corpus.name,
            "corpus_mb": round(corpus_mb, 1),
            "budget_mb": arguments.budget_mb,
            "workers": arguments.workers,
            "documents": report["documents_read"],
            "seconds": report["seconds"],
            "peak_mb_small": small,
            "peak_mb": large,
            "growth_mb": growth,
            "within_budget": growth["worker"] <= arguments.budget_mb,
        }
    )


def copy_passages(lines: list[str]) -> Iterator[str]:
    """Yield the passages again and again; each copy has an id and a word of its own."""
    for number in itertools.count():
        for line in lines:
            passage = json.loads(line)
            passage["_id"] = f"{passage['_id']}-{number}"
            passage["text"] += f" copy{number}"
            yield json.dumps(passage) + "\n"


def write_corpus(folder: Path, passages: Iterator[str], n_bytes: int) -> Path:
    """Write passages until there are so many bytes, or no more, and return the folder."""
    folder.mkdir()
    written = 0
    with (folder / "corpus.jsonl").open("w") as stream:
        for passage in passages:
            written += stream.write(passage)
            if written >= n_bytes:
                break
    return folder


def watch_ingest(source: Path, arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, int]]:
    """Ingest a folder, and return the peak of one process of each kind, MB, and the run's report.

    Raises:
        SystemExit: the ingest failed.
    """
    command = [str(Path(sys.executable).parent / "eagleray"), "ingest", str(source), "--json"]
    command += ["--store", str(source.parent / f"store-{source.name}"), "--collection", "corpus"]
    command += ["--workers", str(arguments.workers)]
    sizes = {
        "EAGLERAY_EMBEDDER__MODEL": "hashing",
        "EAGLERAY_JOBS__WORKER_MEMORY_BYTES": str(arguments.budget_mb * MB),
        "EAGLERAY_JOBS__MAX_SEGMENT_ROWS": "20000",
    }
    with tempfile.TemporaryFile("w+") as shown:
        process = subprocess.Popen(command, env={**os.environ, **sizes}, stdout=shown, start_new_session=True)
        peaks: dict[str, float] = {"driver": 0.0, "worker": 0.0}
        while True:
            for kind, memory_mb in read_memory(process.pid):
                peaks[kind] = round(max(peaks.get(kind, 0.0), memory_mb), 1)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PERIOD_S)
                break
        shown.seek(0)
        text = shown.read()
    if process.returncode:
        sys.exit(f"ingest failed with exit code {process.returncode}: {text}")
    return peaks, json.loads(text.splitlines()[-1])


def read_memory(pid: int) -> Iterator[tuple[str, float]]:
    """Yield the kind and the unique set size, MB, of a process and all it started."""
    with suppress(psutil.NoSuchProcess):
        driver = psutil.Process(pid)
        yield "driver", driver.memory_full_info().uss / MB
        for child in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                name = " ".join(child.cmdline()[:1])
                is_task = name.startswith(("ray::Map", "ray::_run_once", "ray::IDLE"))
                yield "worker" if is_task else "other", child.memory_full_info().uss / MB


if __name__ == "__main__":
    main()
