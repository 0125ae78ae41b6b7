"""Does the same input give the same snapshot? Workers 1, 2, 4, shuffled lines, and killed runs.

    python -m benchmarks.determinism CORPUS_DIR [--limit N] [--kills N] [--seed S] [--model MODEL]

Each run is a process of its own on a Ray cluster of its own, into a store of its own; only a killed
one is started again on what it left, until it ends, and then the next goes into a new store. A kill
is SIGKILL to the whole process group at a random moment of an undisturbed run's length; runs that end
before their moment do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reporting import show_result

KNOWN = 1_500_000_000
"""Change time given to every copy of the corpus, seconds since 1970."""


def main() -> None:
    """Build again and again, and compare the ids."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="passages; 0 takes all")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="minilm")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311 - chooses moments, not secrets
    with (arguments.corpus / "corpus.jsonl").open() as stream:
        lines = stream.read().splitlines()[: arguments.limit or None]
    with tempfile.TemporaryDirectory(prefix="eagleray-determinism-") as name:
        folder = Path(name)
        ids: dict[str, str] = {}
        seconds = {}
        for workers in (1, 2, 4):
            started = time.monotonic()
            source = write_corpus(folder / f"in-{workers}", rng.sample(lines, len(lines)))
            ids[str(workers)] = run(source, folder / f"out-{workers}", workers, arguments.model)
            seconds[workers] = time.monotonic() - started
            print(f"workers {workers}: {ids[str(workers)]} in {seconds[workers]:.0f} s", flush=True)
        source = write_corpus(folder / "in-killed", lines)
        moments = [rng.uniform(0.05, 0.95) * seconds[2] for _ in range(arguments.kills)]
        killed = run_killed(source, folder, moments=moments, model=arguments.model)
    ids["killed"] = " and ".join(sorted(set(killed)))
    show_result(
        {
            "equal": len(set(ids.values())) == 1,
            "snapshot_ids": ids,
            "passages": len(lines),
            "kills": len(moments),
            "stores_killed_into": len(killed),
            "seed": arguments.seed,
        }
    )


def run_killed(source: Path, folder: Path, *, moments: Sequence[float], model: str) -> list[str]:
    """Kill an ingest at each moment and start it again; return the ids of the snapshots it ends with.

    Args:
        source: what is ingested.
        folder: where the stores are made: a new one when a run has ended before its moment.
        moments: when to kill, seconds after each start.
        model: of the embedder.
    """
    ids: list[str] = []
    todo = list(moments)
    while todo:
        store = folder / f"out-killed-{len(ids)}"
        while todo and kill_after(start(source, store, 2, model), todo[0]):
            print(f"killed after {todo.pop(0):.1f} s", flush=True)
        if todo:
            todo[0] *= 0.9  # so that a machine that has become faster does not escape for ever
        ids.append(run(source, store, 2, model))
        print(f"ended with {ids[-1]}", flush=True)
    return ids


def write_corpus(folder: Path, lines: list[str]) -> Path:
    """Write the lines, in their order, as a source of one name and age."""
    source = folder / "corpus"
    source.mkdir(parents=True)
    path = source / "corpus.jsonl"
    path.write_text("\n".join(lines) + "\n")
    os.utime(path, (KNOWN, KNOWN))
    return source


def start(source: Path, store: Path, workers: int, model: str) -> subprocess.Popen[str]:
    """Start an ingest in a process group of its own."""
    command = [str(Path(sys.executable).parent / "eagleray"), "ingest", str(source), "--json"]
    command += ["--store", str(store), "--collection", "corpus", "--workers", str(workers)]
    sizes = {"EAGLERAY_JOBS__SHARD_BYTES": "262144", "EAGLERAY_JOBS__PARTITION_BYTES": "262144"}
    return subprocess.Popen(
        command,
        env={**os.environ, **sizes, "EAGLERAY_EMBEDDER__MODEL": model},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def run(source: Path, store: Path, workers: int, model: str) -> str:
    """Run an ingest to its end and return the snapshot's id."""
    process = start(source, store, workers, model)
    shown, _ = process.communicate()
    if process.returncode:
        sys.exit(f"ingest failed with exit code {process.returncode}: {shown}")
    return str(json.loads(shown.splitlines()[-1])["snapshot"])


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill the process and its cluster after that many seconds; return whether it was still at work."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


if __name__ == "__main__":
    main()
