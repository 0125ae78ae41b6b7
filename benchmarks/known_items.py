"""What are weights worth that were fitted to questions made of the collection's own rows?

    python -m benchmarks.known_items CORPUS_DIR --queries NAME --qrels NAME [--items N]
        [--fits NAME …] [--store FOLDER]

A judged corpus is ingested with default settings. Half of its judged questions judge four rankings: the
one every collection begins with, the one fitted to the other half, and those fitted to known items: as
`eagleray tune` does it, with the dense weight held, and with the dense weight fitted, too. With `--fits` only
the named ones are made. With `--store` the corpus is kept there, and used again.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpora import copy_corpus, read_judged_queries
from benchmarks.reporting import show_result, show_stage
from eagleray.contracts.hits import Ranking, SearchRequest
from eagleray.contracts.principals import ANONYMOUS
from eagleray.contracts.services import IngestRequest
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.parts import JOBS
from eagleray.settings import Settings, load_settings
from indexes.engine_factory import make_engine_factory
from indexes.evaluation.fitting import Fit, JudgedQuestion, Search, fit_ranking, halve, judge
from indexes.evaluation.known_items import make_known_items
from indexes.fusion.convex import DENSE_WEIGHT
from ray_jobs.tuning import N_KNOWN_ITEMS

FITS = ("judged", "known_items", "known_items_with_dense")
START = Ranking(dense_weight=DENSE_WEIGHT, boosts={})


def main() -> None:
    """Ingest, fit three times, and judge each fit by questions that decided none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--queries", default="queries")
    parser.add_argument("--qrels", default="all")
    parser.add_argument("--items", type=int, default=N_KNOWN_ITEMS)
    parser.add_argument("--fits", nargs="+", choices=FITS, default=FITS)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    judged = read_questions(arguments.corpus, queries=arguments.queries, qrels=arguments.qrels)
    with tempfile.TemporaryDirectory(prefix="eagleray-known-items-") as folder:
        settings = ingest(arguments.corpus, arguments.store or Path(folder))
        engines = make_engine_factory(settings)
        opened = engines.open_snapshot("live")
        embedder = RememberingEmbedder(open_embedder(settings.embedder))
        search = engines.make_searcher(opened, embedder=embedder).search
        items = make_known_items(
            opened.segments, snapshot=opened.snapshot_id, principal=ANONYMOUS, n=arguments.items
        )
        fits = {
            name: fit_ranking(
                search,
                judged if name == "judged" else items,
                start=START,
                fits_dense=name != "known_items",
            )
            for name in arguments.fits
        }
        figures = compare(search, halve(judged)[1], fits)
    about = {"corpus": arguments.corpus.name, "query_set": arguments.queries, "items": len(items)}
    show_result({**about, **figures})


def read_questions(corpus: Path, *, queries: str, qrels: str) -> list[JudgedQuestion]:
    """Return the judged questions of a corpus."""
    return [
        JudgedQuestion(request=SearchRequest(query=query.text), relevant=query.relevant)
        for query in read_judged_queries(corpus, queries=queries, qrels=qrels)
    ]


def ingest(corpus: Path, folder: Path) -> Settings:
    """Ingest a corpus into a folder, unless it stands there, and return the settings that name it."""
    settings = load_settings(store=str(folder / "store"), collection=corpus.name)
    if not (folder / "store" / corpus.name / "aliases").is_dir():
        source = copy_corpus(corpus, folder / "sources")
        JOBS.load(settings).ingest(IngestRequest(source=str(source)), show_stage)
    return settings


def compare(search: Search, unseen: Sequence[JudgedQuestion], fits: dict[str, Fit]) -> dict[str, Any]:
    """Return the nDCG@10 of the unseen questions with each fit's weights, and what the fit was."""
    before = judge(search, unseen, START)
    figures: dict[str, Any] = {"unseen": len(unseen), "untuned": {"ndcg@10": round(float(before.mean()), 4)}}
    for name, fit in fits.items():
        ranking = Ranking(dense_weight=fit.ranking.dense_weight, boosts=fit.ranking.boosts)
        after = judge(search, unseen, ranking)
        margin = 1.96 * float(np.std(after - before, ddof=1)) / math.sqrt(len(unseen))
        figures[name] = {
            "ndcg@10": round(float(after.mean()), 4),
            "margin": round(margin, 4),
            "published": fit.is_better,
            "fit": asdict(fit),
        }
    return figures


if __name__ == "__main__":
    main()
