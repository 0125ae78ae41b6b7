"""How fast is filtered search, against other engines at equal recall?

    python -m benchmarks.peers --vectors N --peers hnswlib,usearch,lancedb,chroma,milvus-lite,qdrant

Vectors of real passages (and made ones beyond them), real questions, one process, one thread, one question
at a time. Filters select the rows below a value of an integer column: `chance` is in an order of chance,
`time` is the order of the rows, `likeness` is the order of similarity to one passage. Each engine uses
its own recommended filter. Half of the questions find the fastest setting of each engine that reaches a
recall of .95 (or its best, where none does); the other half measures it. All settings tried are in the
result. This project's effort is learnt at build from questions that are in neither half.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.peer_systems.contracts import Below, Columns, System
from benchmarks.peer_systems.own_system import OwnSystem
from benchmarks.real_vectors import load_passages, load_questions, make_vectors
from benchmarks.reporting import show_result
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.flat import rescore
from indexes.dense.queries import DenseQuery

SHARES: Final = (1.0, 0.5, 0.1, 0.01, 0.001, 0.0001, 0.00001)
K: Final = 10
WANTED_RECALL: Final = 0.95

_PEERS: Final = {
    "hnswlib": ("hnswlib_system", "HnswlibSystem"),
    "usearch": ("usearch_system", "UsearchSystem"),
    "lancedb": ("lancedb_system", "LanceDbSystem"),
    "chroma": ("chroma_system", "ChromaSystem"),
    "milvus-lite": ("milvus_system", "MilvusLiteSystem"),
    "qdrant": ("qdrant_system", "QdrantEdgeSystem"),
}
_BUDGET_S: Final = 4.0
"""Longest one setting is measured at one level."""


def main() -> None:
    """Build each engine, ask, and show a row for each level of each."""
    arguments = _parse_arguments()
    questions = load_questions()
    questions = questions[np.random.default_rng(5).permutation(len(questions))]
    probes, tuning, asked = np.split(questions[: 256 + 2 * arguments.queries], [256, 256 + arguments.queries])
    vectors = make_vectors(load_passages(), arguments.vectors, seed=1)
    columns = make_columns(vectors)
    rows: list[dict[str, Any]] = []
    tried: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    truths = {below: find_truth(vectors, columns, tuning, asked, below) for below in list_filters(vectors)}
    for name in ("eagleray", *arguments.peers):
        make = find_system(name, probes, missing)
        if make is None:
            continue
        try:
            found = measure_system(make, vectors, columns, (tuning, asked), truths)
        except Exception as error:  # noqa: BLE001 - a peer that fails is a row that says so
            missing[name] = f"{type(error).__name__}: {error}"[:300]
            print(f"{name} failed: {missing[name]}", flush=True)
            continue
        rows += found[0]
        tried += found[1]
    show_result(
        {
            "vectors": arguments.vectors,
            "k": K,
            "queries": arguments.queries,
            "rows": rows,
            "ahead": compare(rows),
            "not_measured": missing,
            "tried": tried if arguments.show_tried else f"{len(tried)} settings; --show-tried lists them",
        }
    )


def find_system(name: str, probes: FloatMatrix, missing: dict[str, str]) -> Callable[[], System] | None:
    """Return what makes a system; notes why it cannot be had."""
    if name == "eagleray":
        return lambda: OwnSystem(probes)
    module, kind = _PEERS[name]
    try:
        made: Callable[[], System] = getattr(import_module(f"benchmarks.peer_systems.{module}"), kind)
    except ImportError as error:
        missing[name] = f"{error}; make peers installs it"
        return None
    return made


def make_columns(vectors: FloatMatrix) -> Columns:
    """Return the columns that filters look at: int64 [n], each with every number once."""
    n = len(vectors)
    rng = np.random.default_rng(3)
    likeness = np.empty(n, dtype=np.int64)
    likeness[np.argsort(-(vectors @ vectors[int(rng.integers(n))]), kind="stable")] = np.arange(n)
    return {"chance": rng.permutation(n), "time": np.arange(n), "likeness": likeness}


def list_filters(vectors: FloatMatrix) -> list[Below | None]:
    """Return every filter: none, then each column at each share that selects a row."""
    found: list[Below | None] = [None]
    for share in SHARES[1:]:
        value = max(1, round(share * len(vectors)))
        found += [Below(column=column, value=value) for column in ("chance", "time", "likeness")]
    return list(dict.fromkeys(found))


def find_truth(
    vectors: FloatMatrix, columns: Columns, tuning: FloatMatrix, asked: FloatMatrix, below: Below | None
) -> tuple[list[set[int]], list[set[int]]]:
    """Return the true neighbours of both halves of the questions."""
    chosen = np.arange(len(vectors)) if below is None else np.flatnonzero(columns[below.column] < below.value)
    ids = np.arange(len(vectors), dtype=np.int64)
    part = vectors[chosen]
    halves = []
    for half in (tuning, asked):
        products = half @ part.T
        k = min(4 * K, len(chosen))
        near = np.argpartition(-products, k - 1, axis=1)[:, :k]
        halves.append(
            [
                set(
                    rescore(
                        vectors, ids, chosen[rows], query=DenseQuery(one, dim=len(one)), k=K
                    ).rows.tolist()
                )
                for one, rows in zip(half, near, strict=True)
            ]
        )
    return halves[0], halves[1]


def measure_system(
    make: Callable[[], System],
    vectors: FloatMatrix,
    columns: Columns,
    halves: tuple[FloatMatrix, FloatMatrix],
    truths: dict[Below | None, tuple[list[set[int]], list[set[int]]]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Build a system and return a row for each level, and what was tried to find its setting."""
    system = make()
    rows, tried = [], []
    with tempfile.TemporaryDirectory(prefix="eagleray-peer-") as name:
        folder = Path(name)
        started = time.perf_counter()
        system.build(vectors, columns, folder)
        build_s = time.perf_counter() - started
        size_mb = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        print(f"{system.name}: built in {build_s:.1f} s, {size_mb:.0f} MB", flush=True)
        for below, (tuning_truth, asked_truth) in truths.items():
            if below is not None and not system.supports_filters():
                continue
            setting, attempts = tune(system, halves[0], tuning_truth, below)
            for own in system.settings if system.name == "eagleray" else (setting,):
                system.choose(own)
                measured = ask(system, halves[1], asked_truth, below)
                row = {
                    "system": system.name,
                    "selectivity": 1.0 if below is None else below.value / len(vectors),
                    "filter": "none" if below is None else below.column,
                    **measured,
                    "setting": own,
                    "build_s": round(build_s, 1),
                    "size_mb": round(size_mb, 1),
                }
                rows.append(row)
                print(row, flush=True)
            tried += [{"system": system.name, "filter": str(below), **attempt} for attempt in attempts]
    return rows, tried


def tune(
    system: System, queries: FloatMatrix, truth: list[set[int]], below: Below | None
) -> tuple[Any, list[dict[str, Any]]]:
    """Return the fastest setting that reaches the wanted recall, or the best there is; and all tried."""
    attempts = []
    for setting in system.settings:
        system.choose(setting)
        attempts.append({"setting": setting, **ask(system, queries, truth, below)})
        if attempts[-1]["recall@10"] >= WANTED_RECALL:
            break
    good = [attempt for attempt in attempts if attempt["recall@10"] >= WANTED_RECALL]
    best = max(good, key=lambda one: one["qps"]) if good else max(attempts, key=lambda one: one["recall@10"])
    return best["setting"], attempts


def ask(
    system: System, queries: npt.NDArray[np.float32], truth: list[set[int]], below: Below | None
) -> dict[str, Any]:
    """Ask one question after the other and return recall and rate; bounded in time."""
    system.search(queries[0], K, below)
    started = time.perf_counter()
    answers = []
    for query in queries:
        answers.append(system.search(query, K, below))
        if time.perf_counter() - started > _BUDGET_S:
            break
    spent = time.perf_counter() - started
    n_true = sum(len(true) for true in truth[: len(answers)])
    n_found = sum(len(true.intersection(found)) for true, found in zip(truth, answers, strict=False))
    return {"recall@10": round(n_found / n_true, 4), "qps": round(len(answers) / spent, 1)}


def compare(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return, level by level, this project's rate over that of the best peer at no greater recall."""
    ahead: dict[str, Any] = {}
    levels = dict.fromkeys((row["selectivity"], row["filter"]) for row in rows)
    for selectivity, column in levels:
        here = [row for row in rows if (row["selectivity"], row["filter"]) == (selectivity, column)]
        own = [row for row in here if row["system"] == "eagleray"]
        peers = [row for row in here if row["system"] != "eagleray"]
        if not own or not peers:
            continue
        best = max(peers, key=lambda row: row["qps"])
        fitting = [row for row in own if row["recall@10"] >= best["recall@10"]]
        mine = max(fitting or own, key=lambda row: row["qps"])
        ahead[f"{selectivity:g} {column}"] = {
            "ratio": round(mine["qps"] / best["qps"], 2),
            "recall": mine["recall@10"],
            "peer": best["system"],
            "peer_recall": best["recall@10"],
        }
    return ahead


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=500, help="questions of each half")
    parser.add_argument("--peers", default=",".join(_PEERS), help="names, separated by commas")
    parser.add_argument("--show-tried", action="store_true")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    unknown = set(arguments.peers) - set(_PEERS)
    if unknown:
        parser.error(f"unknown peers {sorted(unknown)}; known are {', '.join(_PEERS)}")
    return arguments


if __name__ == "__main__":
    main()
