"""What do a compared vector, a code and a list cost against each other?

    python -m benchmarks.plan_costs [--vectors N]

The planner's constants (`indexes/planning/plans.py`) are these ratios: a row at a place of its own is 1.
Vectors of real passages and made ones, mapped from a file; times are medians of questions asked one after
the other.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.real_vectors import load_passages, load_questions, make_vectors
from benchmarks.reporting import show_result
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.codebooks import train_codebook
from indexes.dense.comparing import compare_rows
from indexes.dense.contracts import Effort
from indexes.dense.devices import make_matcher
from indexes.dense.ivf import IvfIndex, open_ivf
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.queries import DenseQuery
from indexes.planning import plans
from indexes.selections import select_all

_N_ROWS = 5_000


def main() -> None:
    """Measure, and show the ratios beside the constants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=400_000)
    arguments = parser.parse_args()
    questions = load_questions()[:200]
    with tempfile.TemporaryDirectory(prefix="eagleray-costs-") as name, threadpool_limits(1):
        np.save(Path(name) / "vectors.npy", make_vectors(load_passages(), arguments.vectors, seed=1))
        vectors = np.load(Path(name) / "vectors.npy", mmap_mode="r").view(np.ndarray)
        index = build(vectors, Path(name))
        microseconds = measure(vectors, index, questions)
    row = microseconds["scattered_row"]
    constants = {
        "prefix_row": plans.PREFIX_ROW,
        "code": plans.CODE,
        "list": plans.LIST,
        "approximate": plans.APPROXIMATE,
    }
    show_result(
        {
            "vectors": arguments.vectors,
            "ratios": {what: round(spent / row, 3) for what, spent in microseconds.items()},
            "constants": constants,
            "microseconds": {what: round(spent, 4) for what, spent in microseconds.items()},
        }
    )


def build(vectors: FloatMatrix, folder: Path) -> IvfIndex:
    """Return an index of the vectors with about as many lists as the root of their number."""
    n_lists = 2 ** round(0.5 * np.log2(len(vectors)))
    sample = vectors[: n_lists * 64]
    matcher = make_matcher()
    codebook = train_codebook(
        [sample],
        pass_over([sample], matcher=matcher),
        kind=IndexKind.IVF_PQ,
        training=Training(n_lists=n_lists, balance=0.5),
        probes=sample[:1],
    )
    path = folder / "dense.faiss"
    path.write_bytes(codebook.encode(vectors, codebook.assign(vectors, matcher=matcher).labels))
    return open_ivf(path, codebook=codebook, vectors=vectors, ids=np.arange(len(vectors)))


def measure(vectors: FloatMatrix, index: IvfIndex, questions: FloatMatrix) -> dict[str, float]:
    """Return microseconds of each step: of a row, of a code, of a list, and of a search before both."""
    rng = np.random.default_rng(1)
    n = len(vectors)
    scattered = [np.sort(rng.choice(n, size=_N_ROWS, replace=False)) for _ in range(20)]
    runs = [np.arange(start, start + _N_ROWS) for start in rng.integers(0, n - _N_ROWS, size=20)]
    apart = time_each(lambda number: compare_rows(vectors, scattered[number % 20], questions[number]))
    together = time_each(lambda number: compare_rows(vectors, runs[number % 20], questions[number]))
    found = {"scattered_row": apart / _N_ROWS, "prefix_row": together / _N_ROWS}
    steps = [1, index.n_lists // 16, index.n_lists // 8, index.n_lists // 4, index.n_lists // 2]
    spent = [time_search(index, questions, n_probes=n_probes) for n_probes in steps]
    slope, base = np.polyfit(steps, spent, 1)
    few = time_search(index, questions, n_probes=steps[1])
    per_list = max(0.0, (few - spent[0]) / (steps[1] - 1) - slope)
    return {
        **found,
        "code": float(slope) / (n / index.n_lists),
        "list": per_list,
        "approximate": float(base),
    }


def time_search(index: IvfIndex, questions: FloatMatrix, *, n_probes: int) -> float:
    """Return microseconds of a search of some lists for ten candidates."""
    everything = select_all(index.n_rows)
    effort = Effort(n_probes=n_probes, n_candidates=10)

    def ask(number: int) -> Any:
        query = DenseQuery(questions[number], dim=questions.shape[1])
        return index.search(query, k=10, selection=everything, effort=effort)

    return time_each(ask)


def time_each(ask: Callable[[int], Any]) -> float:
    """Return the median microseconds of a call, each with another question."""
    spent = []
    for number in range(200):
        started = time.perf_counter()
        ask(number)
        spent.append(time.perf_counter() - started)
    return float(np.median(spent[20:])) * 1e6


if __name__ == "__main__":
    main()
