"""How much faster are many questions at once than one by one, and are the answers the same?

    python -m benchmarks.batch_search CORPUS_DIR --pairs N [--queries N] [--model MODEL]

A corpus of dated stories goes through the product's ingest; some are corrected and withdrawn by a second
delivery. Pairs are questions at moments: each of the corpus's known-item queries (or `--queries` of them) as
of as many moments as it takes, hybrid, by chunk, ten hits. The loop asks a sample of the pairs one by one,
each as a user does, question embedded; `speedup_without_encoding` leaves embedding out on both sides.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.deliveries import deliver, find_time, plan_deliveries, read_stories
from benchmarks.remembering import RememberingEmbedder
from benchmarks.reporting import show_result
from eagleray.contracts.hits import Granularity, SearchRequest
from eagleray.contracts.ports import Embedder
from eagleray.embedders import open_embedder
from indexes.searching.searcher import Searcher
from indexes.snapshots.opened import OpenSnapshot, open_snapshot
from indexes.storage import open_store


def main() -> None:
    """Deliver, ask both ways, and compare; exit code 1 where an answer differs."""
    arguments = _parse_arguments()
    rng = random.Random(arguments.seed)  # noqa: S311 - chooses questions, not secrets
    deliveries = plan_deliveries(read_stories(arguments.corpus), rng, n_changed=arguments.changed)
    requests = draw_pairs(arguments, sorted(find_time(story) for story in deliveries.first), rng)
    with tempfile.TemporaryDirectory(prefix="eagleray-batch-") as folder:
        settings = deliver(deliveries, Path(folder), model=arguments.model).settings
        opened = open_snapshot(open_store(settings.store), settings.collection, "live")
        embedder = open_embedder(settings.embedder)
        sample = rng.sample(range(len(requests)), min(arguments.loop, len(requests)))
        figures = compare(opened, embedder, requests, sample)
    show_result(
        {"pairs": len(requests), **figures, "corpus": arguments.corpus.name, "model": arguments.model}
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
    return [
        SearchRequest(query=text, as_of=moment, granularity=Granularity.CHUNK, exact=True)
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
    loop_s, singles = run_loop(make_searcher(opened, embedder), asked)
    loop_known_s, _ = run_loop(make_searcher(opened, known), asked)
    started = time.perf_counter()
    make_searcher(opened, known).search_many(requests)
    batch_known_s = time.perf_counter() - started
    started = time.perf_counter()
    table = make_searcher(opened, embedder).search_many(requests)
    batch_s = time.perf_counter() - started
    each_s = {"loop": loop_s / len(sample), "batch": batch_s / len(requests)}
    return {
        "speedup_to_loop": round(each_s["loop"] / each_s["batch"], 1),
        "speedup_without_encoding": round(loop_known_s / len(sample) / (batch_known_s / len(requests)), 1),
        "equal": is_equal(table, sample, singles),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "loop_pairs": len(sample),
        "queries": len({request.query for request in requests}),
        "hits": table.num_rows,
        "rows": opened.n_rows,
        "segments": len(opened.segments),
        "ms_a_pair": {name: round(spent * 1000.0, 3) for name, spent in each_s.items()},
    }


def make_searcher(opened: OpenSnapshot, embedder: Embedder) -> Searcher:
    """Return a searcher that keeps nothing yet."""
    return Searcher(
        opened.snapshot_id, opened.segments, attributes=opened.manifest.attributes, embedder=embedder
    )


def run_loop(searcher: Searcher, requests: list[SearchRequest]) -> tuple[float, list[list[tuple[Any, ...]]]]:
    """Return the seconds of single searches, one after the other, and their answers."""
    searcher.search(requests[0])
    started = time.perf_counter()
    answers = [searcher.search(request).hits for request in requests]
    spent = time.perf_counter() - started
    return spent, [
        [(hit.chunk_id, hit.doc_id, hit.score, hit.dense, hit.lexical) for hit in hits] for hits in answers
    ]


def is_equal(table: pa.Table, sample: list[int], singles: list[list[tuple[Any, ...]]]) -> bool:
    """Return whether the table holds the single answers, bit for bit."""
    names = ("chunk_id", "doc_id", "score", "dense", "lexical")
    found: dict[int, list[tuple[Any, ...]]] = {place: [] for place in sample}
    for row in table.to_pylist():
        if row["question"] in found:
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
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
