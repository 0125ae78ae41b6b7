"""How much memory does each process of an ingest take, with a corpus far larger than a worker's budget?

    python -m benchmarks.memory CORPUS_DIR [--budget-mb N] [--factor N] [--workers N]

The passages of a corpus are copied, each copy with a word of its own, until their bytes are `factor`
times the budget of a worker. They go through `eagleray ingest` in a process of its own with the
hashing embedder; partitions and shards are to the budget what they are by default. Twice a second the
anonymous memory of each process is read: pages of files that are only mapped can be dropped at any
time and do not count. The same is done with a few passages first: what a worker takes above that must
stay within the budget. The driver's part must not grow with the rows.
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
STAGES = ("ingest", "arrange", "embed", "build")

Peaks = dict[str, dict[str, float]]
"""Kind of process -> stage -> most memory that one process of that kind had, MB."""


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
    growth = {
        kind: {stage: round(peak - max(small[kind].values()), 1) for stage, peak in stages.items()}
        for kind, stages in large.items()
        if kind != "ray"
    }
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
            "within_budget": max(growth["worker"].values()) <= arguments.budget_mb,
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


def watch_ingest(source: Path, arguments: argparse.Namespace) -> tuple[Peaks, dict[str, int]]:
    """Ingest a folder, and return the peaks and the run's report.

    Raises:
        SystemExit: the ingest failed.
    """
    command = [str(Path(sys.executable).parent / "eagleray"), "ingest", str(source), "--json"]
    command += ["--store", str(source.parent / f"store-{source.name}"), "--collection", "corpus"]
    command += ["--workers", str(arguments.workers)]
    sizes = {
        "EAGLERAY_EMBEDDER__MODEL": "hashing",
        "EAGLERAY_JOBS__WORKER_MEMORY_BYTES": str(arguments.budget_mb * MB),
        "EAGLERAY_JOBS__PARTITION_BYTES": str(arguments.budget_mb * MB // 32),
        "EAGLERAY_JOBS__SHARD_BYTES": str(arguments.budget_mb * MB // 64),
    }
    with tempfile.NamedTemporaryFile("w+") as report, tempfile.NamedTemporaryFile("w+") as progress:
        process = subprocess.Popen(
            command, env={**os.environ, **sizes}, stdout=report, stderr=progress, start_new_session=True
        )
        peaks: Peaks = {}
        while True:
            stage = find_stage(Path(progress.name).read_text())
            for kind, memory_mb in read_memory(process.pid):
                of_kind = peaks.setdefault(kind, {})
                of_kind[stage] = round(max(of_kind.get(stage, 0.0), memory_mb), 1)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PERIOD_S)
                break
        text = Path(report.name).read_text()
        if process.returncode:
            told = Path(progress.name).read_text()
            sys.exit(f"ingest failed with exit code {process.returncode}: {text}{told}")
    return peaks, json.loads(text.splitlines()[-1])


def find_stage(progress: str) -> str:
    """Return the stage that is at work, from what the run has reported as finished."""
    finished = [stage for stage in STAGES if f"{stage}: " in progress]
    return STAGES[len(finished)] if len(finished) < len(STAGES) else "publish"


def read_memory(pid: int) -> Iterator[tuple[str, float]]:
    """Yield the kind and the anonymous memory, MB, of a process and all it started."""
    with suppress(psutil.NoSuchProcess):
        driver = psutil.Process(pid)
        yield "driver", read_anonymous(pid)
        for child in driver.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                name = " ".join(child.cmdline()[:1])
                is_task = name.startswith(("ray::Map", "ray::_run_once", "ray::IDLE"))
                yield "worker" if is_task else "ray", read_anonymous(child.pid)


def read_anonymous(pid: int) -> float:
    """Return the memory of a process that no file backs, MB; 0 where it has gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
