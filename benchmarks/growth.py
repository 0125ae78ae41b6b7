"""How do build time, size, opening and search grow with the rows?

    python -m benchmarks.growth [--rows 100000,300000,1000000] [--queries N] [--keep FOLDER]

Rows are made of real passages (`benchmarks.growth_collection`) and written by the product's segment writer,
250,000 a segment at most, one segment after the other, with one codebook. For each number of rows a
process of its own opens them and asks real questions, whose vectors are at hand: dense, dense as of a T at
which half of the rows are known, dense under a filter that a row in a hundred fits, lexical, hybrid; ten
documents each. Recall is that of the dense search against the same search with `exact`. A slope is the
exponent b of the power a * rows^b that fits best: 1 is linear, 0 is flat. Times by the clock and of the
processors; on a machine shared with others the second say more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.growth_collection import Builder, Built, Material, count_lists
from benchmarks.growth_search import measure_search
from benchmarks.real_vectors import load_passages, load_questions, read_passages, read_questions
from benchmarks.reporting import show_result
from eagleray.contracts.ports import FloatMatrix
from ray_jobs.codebook_trainer import MAX_PROBES

_N_PROBES: Final = MAX_PROBES
"""Questions that codebooks keep, of which efforts are learnt; none of them is asked."""


def main() -> None:
    """Build and ask, size by size, from few rows to many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="100000,300000,1000000")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="folder whose segments a later run takes as they are")
    arguments = parser.parse_args()
    sizes = sorted({int(n) for n in arguments.rows.split(",")})
    asked, probes = draw_questions(arguments.queries)
    material = Material(texts=list(read_passages()), vectors=load_passages(), probes=probes)
    with tempfile.TemporaryDirectory(prefix="eagleray-growth-") as name:
        builder = Builder(arguments.keep or Path(name), material)
        results = []
        for n_rows in sizes:
            results.append(measure_size(builder, n_rows, asked))
            print(results[-1], flush=True)
    show_result({"queries": len(asked), "sizes": results, "slopes": fit_slopes(results)})


def measure_size(builder: Builder, n_rows: int, asked: Mapping[str, FloatMatrix]) -> dict[str, Any]:
    """Return the figures of one number of rows."""
    codebook = builder.train(n_rows)
    segments = builder.write(n_rows, codebook.digest)
    digests = [segment.digest for segment in segments]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        searched = pool.submit(measure_search, builder.store_folder, digests, asked).result()
    return {
        "rows": n_rows,
        "segments": len(segments),
        "lists": count_lists(n_rows),
        "train_s": round(codebook.seconds, 1),
        "build_s": round(codebook.seconds + sum(segment.seconds for segment in segments), 1),
        "build_cpu_s": round(codebook.cpu_seconds + sum(segment.cpu_seconds for segment in segments), 1),
        "bytes_per_row": measure_parts(segments),
        **searched,
    }


def measure_parts(segments: Sequence[Built]) -> dict[str, float]:
    """Return the bytes a row of each part, and of all."""
    n_rows = sum(segment.n_rows for segment in segments)
    sizes: Counter[str] = Counter()
    for segment in segments:
        sizes.update(segment.sizes)
    shares = {part: round(size / n_rows, 1) for part, size in sorted(sizes.items())}
    return {**shares, "all": round(sum(sizes.values()) / n_rows, 1)}


def fit_slopes(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the slope of each time against the rows; none where there is one size."""
    if len(results) < 2:
        return {}
    rows = [result["rows"] for result in results]
    times = {name: [result[name] for result in results] for name in ("build_s", "build_cpu_s", "open_s")}
    for way in results[0]["searches"]:
        for unit in ("p50_ms", "cpu_p50_ms", "score_p50_ms"):
            times[f"{way} {unit}"] = [result["searches"][way][unit] for result in results]
    return {name: round(fit_slope(rows, values), 2) for name, values in times.items()}


def fit_slope(rows: Sequence[int], values: Sequence[float]) -> float:
    """Return the exponent b of the power a * rows^b that fits the values best, in least squares of logs."""
    x, y = np.log(np.array(rows, dtype=np.float64)), np.log(np.array(values, dtype=np.float64))
    x = x - x.mean()
    return float((x * (y - y.mean())).sum() / (x * x).sum())


def draw_questions(n: int) -> tuple[dict[str, FloatMatrix], FloatMatrix]:
    """Return questions with their vectors, float32 [1, dim] each, and the vectors of others as probes."""
    texts, vectors = list(read_questions()), load_questions()
    order = np.random.default_rng(2).permutation(len(texts))
    asked = {texts[place]: vectors[place : place + 1] for place in order[:n]}
    held_out = [place for place in order[n:] if texts[place] not in asked]
    return asked, np.ascontiguousarray(vectors[held_out[:_N_PROBES]])


if __name__ == "__main__":
    main()
