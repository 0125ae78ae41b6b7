"""Is an answer as of T the answer of an index that was built only from what was known at T?

    python -m benchmarks.asof CORPUS_DIR [--n N] [--seed S] [--changed N] [--model MODEL]

A corpus of dated stories goes through the product's own ingest, and once more with some stories
corrected and some withdrawn. Questions are asked as of moments at which the answer may change, in
three modes, by chunk and by document. Two oracles answer them from the rows known at T alone: an
index that the product's segment writer builds anew for this T, whose ids, scores and statistics
must be the same bits, and the plain formulas in double precision, without any index. `overhead` is
the median time of a search as of a T at which the same rows are visible, over that of the same
search without as-of, both without embedding the question; the worst of the three modes.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.comparison import AsOfComparison
from benchmarks.deliveries import Delivered, Deliveries, deliver, plan_deliveries, read_stories
from benchmarks.known_rows import read_rows
from benchmarks.overhead import measure_overhead
from benchmarks.questions import QUERIES_PER_MOMENT, draw_questions
from benchmarks.reporting import show_result
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from indexes.searching.searcher import Searcher
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store


def main() -> None:
    """Deliver twice, ask, and count what differs; exit code 1 where anything does."""
    arguments = _parse_arguments()
    rng = random.Random(arguments.seed)  # noqa: S311 - chooses stories, not secrets
    deliveries = plan_deliveries(read_stories(arguments.corpus), rng, n_changed=arguments.changed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eagleray-asof-") as folder:
        delivered = deliver(deliveries, Path(folder), model=arguments.model)
        ingest_s = time.monotonic() - started
        figures = compare(deliveries, delivered, rng, n=arguments.n, per_moment=arguments.per_moment)
    about = {
        "corpus": arguments.corpus.name,
        "model": arguments.model,
        "seed": arguments.seed,
        "stories": len(deliveries.first),
        "corrected": len(deliveries.corrected),
        "withdrawn": len(deliveries.withdrawn),
        "ingest_s": round(ingest_s, 1),
        "total_s": round(time.monotonic() - started, 1),
    }
    show_result({**figures, **about})
    sys.exit(0 if all(figures[f"{mode}_equal"] == 1.0 for mode in SearchMode) else 1)


def compare(
    deliveries: Deliveries, delivered: Delivered, rng: random.Random, *, n: int, per_moment: int
) -> dict[str, Any]:
    """Return the shares of equal answers, the overhead, and what they were taken from."""
    settings = delivered.settings
    opened = open_snapshot(Collection(open_store(settings.store), settings.collection), "live")
    embedder = RememberingEmbedder(open_embedder(settings.embedder))
    engine = Searcher(opened.snapshot_id, opened.segments, embedder=embedder)
    spans = deliveries.find_spans(withdrawn_at=delivered.second_ended)
    rows = read_rows(settings, spans)
    questions = draw_questions(deliveries, delivered, rng, n=n, per_moment=per_moment)
    comparison = AsOfComparison(engine, rows, embedder=embedder)
    for as_of, asked in groupby(questions, key=lambda question: question.as_of):
        comparison.ask(as_of, [question.text for question in asked])
        print(f"{comparison.n_asked}/{n} asked, equal: {comparison.shares}", flush=True)
    medians_ms = {
        mode: measure_overhead(engine, questions, mode, latest=delivered.second_ended) for mode in SearchMode
    }
    return {
        "n": n,
        **{f"{mode}_equal": share for mode, share in comparison.shares.items()},
        "overhead": round(max(found["latest"] / found["none"] for found in medians_ms.values()), 3),
        **comparison.describe(),
        "segments": len(opened.manifest.segments),
        "patches": len(opened.manifest.patches),
        "medians_ms": {str(mode): found for mode, found in medians_ms.items()},
    }


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--n", type=int, default=300, help="questions, each with a T")
    parser.add_argument(
        "--per-moment", type=int, default=QUERIES_PER_MOMENT, help="of them that share a T and its oracle"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=int, default=2000, help="stories corrected or withdrawn later")
    parser.add_argument("--model", default="minilm")
    return parser.parse_args()


if __name__ == "__main__":
    main()
