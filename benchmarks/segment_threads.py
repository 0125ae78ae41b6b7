"""What do threads over the segments of a snapshot save a single search?

    python -m benchmarks.segment_threads [--segments 12] [--segment-rows 25000] [--threads 2] [--rounds N]
        [--keep FOLDER]

The rows are those of `benchmarks.growth`, in smaller segments. Two searchers over the same opened segments
answer the same questions, one after the other: one with a single thread, one with several. They take turns
question by question, and the one that begins changes, so that both see the machine in the same state. Hits,
scores, order and what the explanation says of the segments must be equal. `p50_ms` is the median by the
clock over questions and rounds, `best_ms` the median over questions of each one's best round: `all` of the
whole search with its texts and highlights, `score` of masks and of finding and ordering rows, `cpu` of all
processors, `own_cpu` of the thread that asks. A ratio is that of one thread over several: above 1 threads are
faster. `lexical` goes through the segments in one thread whatever is set, so its ratio shows the noise.
`kernel` does nothing but compare all vectors: what threads gain on this machine in this state at best. On
cores that others keep busy even that is nothing; then only `own_cpu` tells what the other threads took over.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.growth import draw_questions
from benchmarks.growth_collection import COLLECTION, Builder, Material
from benchmarks.growth_search import KnownQuestions
from benchmarks.real_vectors import load_passages, read_passages
from benchmarks.reporting import show_result
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.principals import Principal
from indexes.dense.comparing import compare_rows
from indexes.dense.vectors import FloatVector
from indexes.searching.searcher import Searcher
from indexes.searching.segment_threads import IN_TURN, SegmentThreads
from indexes.segments.opened_segment import open_segment
from indexes.segments.view import SegmentView
from indexes.selections import IntVector
from indexes.storage import open_store

ALL: Final = Principal(subject="benchmark", groups=frozenset({"rates", "credit"}))
FIGURES: Final = ("all", "score", "own_cpu", "cpu")
_Times = npt.NDArray[np.float64]


def main() -> None:
    """Build, ask, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=12)
    parser.add_argument("--segment-rows", type=int, default=25_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder whose segments a later run takes as they are")
    arguments = parser.parse_args()
    asked, probes = draw_questions(arguments.queries)
    material = Material(texts=list(read_passages()), vectors=load_passages(), probes=probes)
    with tempfile.TemporaryDirectory(prefix="eagleray-threads-") as name:
        builder = Builder(arguments.keep or Path(name), material, segment_rows=arguments.segment_rows)
        n_rows = arguments.segments * arguments.segment_rows
        segments = builder.write(n_rows, builder.train(n_rows).digest)
        store = open_store(builder.store_folder)
        views = [open_segment(Collection(store, COLLECTION), segment.digest) for segment in segments]
        embedder = KnownQuestions(asked)
        searchers = {
            n: Searcher("0" * 64, views, embedder=embedder, n_threads=n) for n in (1, arguments.threads)
        }
        figures: dict[str, Any] = {"kernel": measure_kernel(views, asked, arguments.threads)}
        print("kernel", figures["kernel"], flush=True)
        for way, request in list_ways().items():
            figures[way] = compare(searchers, request, list(asked), rounds=arguments.rounds)
            print(way, figures[way], flush=True)
        searchers[arguments.threads].close()
    options = {name: vars(arguments)[name] for name in ("segments", "segment_rows", "threads", "rounds")}
    show_result({**options, "queries": len(asked), "ways": figures})


def list_ways() -> dict[str, SearchRequest]:
    """Return the kinds of questions."""
    dense = SearchRequest(query="?", mode=SearchMode.DENSE, principal=ALL)
    return {
        "dense": dense,
        "dense_exact": replace(dense, exact=True),
        "hybrid": replace(dense, mode=SearchMode.HYBRID),
        "lexical": replace(dense, mode=SearchMode.LEXICAL),
    }


def compare(
    searchers: Mapping[int, Searcher], request: SearchRequest, texts: Sequence[str], *, rounds: int
) -> dict[str, Any]:
    """Return milliseconds by number of threads, their ratios, and whether all answers were equal."""
    times = {n: np.zeros((rounds, len(texts), len(FIGURES))) for n in searchers}
    is_equal = True
    for round_ in range(-1, rounds):  # the first makes masks, counts words, and is not measured
        for number, text in enumerate(texts):
            answers = []
            for n in sorted(searchers, reverse=bool((number + round_) % 2)):
                answer, spent = _ask(searchers[n], replace(request, query=text))
                answers.append(_show(answer))
                if round_ >= 0:
                    times[n][round_, number] = spent
            is_equal &= all(answer == answers[0] for answer in answers)
    shown = {str(n): _summarise(found) for n, found in times.items()}
    one, several = shown.values()
    ratios = {name: round(one[name] / several[name], 2) for name in one}
    return {"equal": is_equal, "ratio": ratios, "threads": shown}


def measure_kernel(
    views: Sequence[SegmentView], asked: Mapping[str, FloatMatrix], n_threads: int
) -> dict[str, float]:
    """Return the ratios of comparing every vector with a question in one thread and in several."""
    rows = [np.arange(view.n_rows) for view in views]
    times = np.zeros((len(asked), 2))
    with closing(SegmentThreads(n_threads)) as several:
        for number, vector in enumerate(asked.values()):
            compare = partial(_compare, views, rows, vector[0])
            for place, threads in enumerate((IN_TURN, several)):
                started = time.perf_counter()
                threads.map(compare, range(len(views)))
                times[number, place] = time.perf_counter() - started
    p50, best = np.median(times, axis=0), times.min(axis=0)
    return {"p50": round(float(p50[0] / p50[1]), 2), "best": round(float(best[0] / best[1]), 2)}


def _compare(views: Sequence[SegmentView], rows: Sequence[IntVector], vector: FloatVector, part: int) -> None:
    compare_rows(views[part].vectors, rows[part], vector)


def _summarise(times: _Times) -> dict[str, float]:
    """Return medians in milliseconds of times [rounds, questions, FIGURES]."""
    middle, best = np.median(times, axis=(0, 1)), np.median(times.min(axis=0), axis=0)
    found = {f"{name}_p50_ms": value for name, value in zip(FIGURES, middle.tolist(), strict=True)}
    found |= {f"{name}_best_ms": value for name, value in zip(FIGURES, best.tolist(), strict=True)}
    return {name: round(value, 3) for name, value in found.items()}


def _ask(searcher: Searcher, request: SearchRequest) -> tuple[SearchResponse, tuple[float, ...]]:
    """Return the answer and its milliseconds, as `FIGURES` names them."""
    clocks = (time.perf_counter, time.thread_time, time.process_time)
    started = [read() for read in clocks]
    answer = searcher.search(request)
    spent, own_cpu, cpu = (1e3 * (read() - begun) for read, begun in zip(clocks, started, strict=True))
    laps = answer.explanation.timings_ms
    return answer, (spent, laps["mask"] + laps["score"], own_cpu, cpu)


def _show(answer: SearchResponse) -> tuple[object, ...]:
    """Return what must be equal: everything but the times."""
    return answer.hits, replace(answer.explanation, timings_ms={})


if __name__ == "__main__":
    main()
