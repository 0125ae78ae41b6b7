"""How well does the product find? nDCG@10 and recall@10 of its three modes on a judged corpus.

    python -m benchmarks.retrieval CORPUS_DIR --queries NAME --qrels NAME [--filters]

The corpus goes through the product's own ingest with default settings, and every judged query
through its search; the filter a query names is used only with `--filters`. Two more ways show what hybrid
search gives with ranks in the place of scores, and with words of the title counted once more, by half.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.corpora import JudgedQuery, copy_corpus, read_judged_queries
from benchmarks.reporting import show_result, show_stage
from eagleray.contracts.hits import Fusion, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.services import IngestRequest
from eagleray.parts import INDEX, JOBS
from eagleray.settings import load_settings
from indexes.evaluation.metrics import ndcg_at_k, recall_at_k
from indexes.masks.json_filters import read_json_filter

K = 10
WAYS = {
    **{
        mode.value: SearchRequest(query="", k=K, mode=mode)
        for mode in (SearchMode.HYBRID, SearchMode.DENSE, SearchMode.LEXICAL)
    },
    "reciprocal_rank": SearchRequest(query="", k=K, ranking=Ranking(fusion=Fusion.RECIPROCAL_RANK)),
    "title_boost": SearchRequest(query="", k=K, ranking=Ranking(boosts={TextField.TITLE: 0.5})),
}


def main() -> None:
    """Build, ask every judged query in every mode, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--queries", default="queries")
    parser.add_argument("--qrels", default="all")
    parser.add_argument("--filters", action="store_true")
    arguments = parser.parse_args()
    queries = read_judged_queries(arguments.corpus, queries=arguments.queries, qrels=arguments.qrels)
    with tempfile.TemporaryDirectory(prefix="eagleray-retrieval-") as folder:
        engine = build(arguments.corpus, Path(folder))
        figures = {
            name: measure(engine, queries, request, uses_filters=arguments.filters)
            for name, request in WAYS.items()
        }
    show_result(
        {
            "corpus": arguments.corpus.name,
            "query_set": arguments.queries,
            "qrels": arguments.qrels,
            "filters": arguments.filters,
            "queries": len(queries),
            **figures,
        }
    )


def build(corpus: Path, folder: Path) -> SearchEngine:
    """Ingest the corpus with default settings and open what was published."""
    source = copy_corpus(corpus, folder)
    settings = load_settings(store=str(folder / "store"), collection="corpus")
    request = IngestRequest(source=str(source))
    JOBS.load(settings).ingest(request, show_stage)
    return INDEX.load(settings).open_engine(snapshot="live")


def measure(
    engine: SearchEngine, queries: list[JudgedQuery], template: SearchRequest, *, uses_filters: bool
) -> dict[str, float]:
    """Return the means over all queries, asked as the template is."""
    ndcg = recall = 0.0
    for query in queries:
        wanted = read_json_filter(query.filter) if uses_filters and query.filter else None
        hits = engine.search(replace(template, query=query.text, filter=wanted)).hits
        ranked = [hit.doc_id for hit in hits]
        ndcg += ndcg_at_k(ranked, query.relevant, k=K)
        recall += recall_at_k(ranked, frozenset(query.relevant), k=K)
    return {f"ndcg@{K}": round(ndcg / len(queries), 4), f"recall@{K}": round(recall / len(queries), 4)}


if __name__ == "__main__":
    main()
