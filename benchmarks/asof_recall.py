"""How much of the exact answer as of T does the approximate dense search find?

    python -m benchmarks.asof_recall CORPUS_DIR [--n N] [--seed S] [--changed N] [--model MODEL]

The deliveries and questions are those of `benchmarks.asof`, in one segment a delivery if the setting
EAGLERAY_JOBS__WORKER_MEMORY_BYTES allows it (2000000000 does), so that the first has inverted lists. The
exact search as of T is what `benchmarks.asof` holds against an index of what was known at T, bit for bit;
here the approximate search with the effort it learnt is held against it: a hit counts as found where its
similarity reaches that of the exact tenth.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.deliveries import deliver, plan_deliveries, read_stories
from benchmarks.questions import DrawnQuestion, draw_questions
from benchmarks.reporting import show_result
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from indexes.engine_factory import make_engine_factory
from indexes.planning.efforts import bound_recall

K: Final = 10
_ROUNDING: Final = 1e-6


def main() -> None:
    """Deliver twice, ask each question exactly and approximately, and print the share that is found."""
    arguments = _parse_arguments()
    rng = random.Random(arguments.seed)  # noqa: S311 - chooses stories, not secrets
    deliveries = plan_deliveries(read_stories(arguments.corpus), rng, n_changed=arguments.changed)
    with tempfile.TemporaryDirectory(prefix="eagleray-asof-recall-") as folder:
        delivered = deliver(deliveries, Path(folder), model=arguments.model, max_segment_rows=250_000)
        embedder = RememberingEmbedder(open_embedder(delivered.settings.embedder))
        engine = make_engine_factory(delivered.settings).open_searcher("live", embedder=embedder)
        questions = draw_questions(deliveries, delivered, rng, n=arguments.n)
        figures = measure(engine, questions)
    show_result(
        {"corpus": arguments.corpus.name, "model": arguments.model, "seed": arguments.seed, **figures}
    )


def measure(engine: SearchEngine, questions: Sequence[DrawnQuestion]) -> dict[str, Any]:
    """Return the recall over the questions whose plan was approximate, and what the searches took."""
    n_approximate = n_true = n_found = 0
    taken: dict[str, list[float]] = {"exact": [], "approximate": []}
    for question in questions:
        request = SearchRequest(
            query=question.text,
            k=K,
            mode=SearchMode.DENSE,
            granularity=Granularity.CHUNK,
            as_of=question.as_of,
        )
        engine.search(request)  # embeds the question and finds the mask
        started = time.perf_counter()
        exact = engine.search(replace(request, exact=True)).hits
        between = time.perf_counter()
        found = engine.search(request)
        if found.explanation.is_exact:
            continue
        taken["exact"].append((between - started) * 1000.0)
        taken["approximate"].append((time.perf_counter() - between) * 1000.0)
        n_approximate += 1
        n_true += len(exact)
        n_found += sum(hit.score >= exact[-1].score - _ROUNDING for hit in found.hits)
    return {
        "n": len(questions),
        "approximate": n_approximate,
        "recall": round(n_found / max(1, n_true), 4),
        "recall_bound": round(bound_recall(n_found, n_true), 4) if n_true else None,
        "median_ms": {name: round(median(times), 3) for name, times in taken.items() if times},
    }


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--n", type=int, default=1_000, help="questions, each with a T")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", type=int, default=2000, help="stories corrected or withdrawn later")
    parser.add_argument("--model", default="minilm")
    return parser.parse_args()


if __name__ == "__main__":
    main()
