"""How much faster are many questions at once than one by one, and are the answers the same?

    python -m benchmarks.batch_search CORPUS_DIR --pairs N [--queries N] [--model MODEL] [--boosts title=.5]

A corpus of dated stories goes through the product's ingest; some are corrected and withdrawn by a second
delivery. Pairs are questions at moments: each of the corpus's known-item queries (or `--queries` of them) as
of as many moments as it takes, hybrid, by chunk, ten hits; with `--boosts` words of these fields count, too.
The loop asks a sample of the pairs one by one, each as a user does, question embedded;
`speedup_without_encoding` leaves embedding out on both sides, and `speedup_in_cpu_time` compares what the
ways cost on all cores together, which depends less on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.deliveries import deliver, find_time, plan_deliveries, read_stories
from benchmarks.reporting import show_result
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Granularity, Ranking, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.ports import Embedder
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from indexes.searching.searcher import Searcher
from indexes.snapshots.opened import OpenSnapshot, open_snapshot
from indexes.storage import open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds of one question: by the clock, and of all cores together."""

    wall_s: float
    cpu_s: float


class Clock:
    """Measures this process from now on."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def stop(self, n: int) -> Spent:
        """Return what each of `n` questions took."""
        wall_s, cpu_s = time.perf_counter() - self._wall_s, time.process_time() - self._cpu_s
        return Spent(wall_s=wall_s / n, cpu_s=cpu_s / n)


def main() -> None:
    """Deliver, ask both ways, and compare; exit code 1 where an answer differs."""
    arguments = _parse_arguments()
    rng = random.Random(arguments.seed)  # noqa: S311 - chooses questions, not secrets
    deliveries = plan_deliveries(read_stories(arguments.corpus), rng, n_changed=arguments.changed)
    requests = draw_pairs(arguments, sorted(find_time(story) for story in deliveries.first), rng)
    with tempfile.TemporaryDirectory(prefix="eagleray-batch-") as folder:
        settings = deliver(deliveries, Path(folder), model=arguments.model).settings
        opened = open_snapshot(Collection(open_store(settings.store), settings.collection), "live")
        embedder = open_embedder(settings.embedder)
        sample = rng.sample(range(len(requests)), min(arguments.loop, len(requests)))
        figures = compare(opened, embedder, requests, sample)
    show_result(
        {
            "pairs": len(requests),
            **figures,
            "corpus": arguments.corpus.name,
            "model": arguments.model,
            "boosts": arguments.boosts,
        }
    )
    sys.exit(0 if figures["equal"] else 1)


def draw_pairs(arguments: argparse.Namespace, times: list[int], rng: random.Random) -> list[SearchRequest]:
    """Return the questions, in an order of chance."""
    with (arguments.corpus / "queries_known_item.jsonl").open() as stream:
        texts = [json.loads(line)["text"] for line in stream]
    texts = rng.sample(texts, min(arguments.queries or len(texts), len(texts), arguments.pairs))
    moments = [rng.choice(times) for _ in range(-(-arguments.pairs // len(texts)))]
    pairs = [(text, moment) for moment in moments for text in texts][: arguments.pairs]
    rng.shuffle(pairs)
    ranking = Ranking(boosts=arguments.boosts)
    return [
        SearchRequest(query=text, as_of=moment, granularity=Granularity.CHUNK, exact=True, ranking=ranking)
        for text, moment in pairs
    ]


def compare(
    opened: OpenSnapshot, embedder: Embedder, requests: list[SearchRequest], sample: list[int]
) -> dict[str, Any]:
    """Return the figures of both ways, and whether the sampled answers are the same to the bit."""
    asked = [requests[place] for place in sample]
    known = RememberingEmbedder(embedder)
    for request in requests:
        known.embed_queries([request.query])
    singles, loop = run_loop(make_searcher(opened, embedder), asked)
    _, loop_known = run_loop(make_searcher(opened, known), asked)
    _, batch_known = run_batch(make_searcher(opened, known), requests)
    table, batch = run_batch(make_searcher(opened, embedder), requests)
    peak_rss_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {
        "speedup_to_loop": round(loop.wall_s / batch.wall_s, 1),
        "speedup_in_cpu_time": round(loop.cpu_s / batch.cpu_s, 1),
        "speedup_without_encoding": round(loop_known.wall_s / batch_known.wall_s, 1),
        "equal": is_equal(table, sample, singles),
        "peak_rss_mb": peak_rss_mb,
        "loop_pairs": len(sample),
        "queries": len({request.query for request in requests}),
        "hits": table.num_rows,
        "rows": opened.n_rows,
        "segments": len(opened.segments),
        "ms_a_pair": {"loop": round(loop.wall_s * 1000.0, 3), "batch": round(batch.wall_s * 1000.0, 3)},
        "cpu_ms_a_pair": {"loop": round(loop.cpu_s * 1000.0, 3), "batch": round(batch.cpu_s * 1000.0, 3)},
    }


def make_searcher(opened: OpenSnapshot, embedder: Embedder) -> Searcher:
    """Return a searcher that keeps nothing yet."""
    return Searcher(opened.snapshot_id, opened.segments, embedder=embedder)


def run_loop(searcher: Searcher, requests: list[SearchRequest]) -> tuple[list[list[tuple[Any, ...]]], Spent]:
    """Return the answers of single searches, one after the other, and what each took."""
    searcher.search(requests[0])
    clock = Clock()
    found = [searcher.search(request).hits for request in requests]
    spent = clock.stop(len(requests))
    return [
        [(hit.chunk_id, hit.doc_id, hit.score, hit.dense, hit.lexical) for hit in hits] for hits in found
    ], spent


def run_batch(searcher: Searcher, requests: list[SearchRequest]) -> tuple[pa.Table, Spent]:
    """Return the answers of all questions together, and what each took."""
    clock = Clock()
    table = searcher.search_many(requests)
    return table, clock.stop(len(requests))


def is_equal(table: pa.Table, sample: list[int], singles: list[list[tuple[Any, ...]]]) -> bool:
    """Return whether the table holds the single answers, bit for bit."""
    names = ("chunk_id", "doc_id", "score", "dense", "lexical")
    found: dict[int, list[tuple[Any, ...]]] = {place: [] for place in sample}
    for row in table.filter(pc.is_in(table["question"], pa.array(sample))).to_pylist():
        found[row["question"]].append(tuple(row[name] for name in names))
    return all(found[place] == single for place, single in zip(sample, singles, strict=True))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=0, help="distinct queries; 0 takes all")
    parser.add_argument("--loop", type=int, default=300, help="pairs asked one by one")
    parser.add_argument("--changed", type=int, default=2_000)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--boosts", type=_read_boost, nargs="+", default=[], help="title=.5 heading=2")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.boosts = dict(arguments.boosts) or None
    return arguments


def _read_boost(text: str) -> tuple[TextField, float]:
    name, _, weight = text.partition("=")
    return TextField(name), float(weight)


if __name__ == "__main__":
    main()
