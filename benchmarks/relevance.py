"""Does an answer say when a collection holds nothing relevant, and only then?

    python -m benchmarks.relevance CORPUS_DIR --foreign CORPUS_DIR2 [--foreign CORPUS_DIR3 …]
        [--queries NAME] [--qrels NAME] [--foreign-queries NAME] [--n N] [--own N] [--limit N]
        [--store FOLDER]

A judged corpus is ingested with default settings and calibrated (`eagleray calibrate`), which learns from
questions made of its rows, and from none that is measured. Then it is asked `n` questions of each other
corpus, and its own. `foreign_rejected` is the share of the first other corpus's questions of which the answer
says that nothing is relevant. `own_rejected` is that of its own questions that are answered: with a judged
document among the ten hits. `default` has the same before the calibration. Without names, the questions are
those that name what they ask about, where there are such: `queries_company`, `queries_ticker`. With `--store`
the corpus is kept there, calibrated, and used again.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.corpora import JudgedQuery, copy_corpus, read_judged_queries
from benchmarks.reporting import show_result, show_stage
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.manifests import NOTHING_FITTED, Fitted
from eagleray.contracts.services import CalibrateRequest, IngestRequest
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.errors import InputError
from eagleray.parts import JOBS
from eagleray.settings import Settings, load_settings
from indexes.engine_factory import make_engine_factory
from indexes.searching.searcher import Searcher

K: Final = 10
SEED: Final = 1
_SETS: Final = ("queries_company", "queries_ticker", "queries")
"""Sets of questions, those first that name what they ask about."""


def main() -> None:
    """Ingest, calibrate, ask, and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--foreign", type=Path, action="append", required=True)
    parser.add_argument("--queries", default="")
    parser.add_argument("--qrels", default="all")
    parser.add_argument("--foreign-queries", default="")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--own", type=int, default=0, help="own questions; 0 for all")
    parser.add_argument("--limit", type=int, default=0, help="passages; 0 for all")
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    queries = arguments.queries or find_set(arguments.corpus)
    own = read_judged_queries(arguments.corpus, queries=queries, qrels=arguments.qrels)
    own = draw(own, arguments.own or len(own))
    foreign = {
        f"{corpus.name}:{name}": draw(read_texts(corpus, name), arguments.n)
        for corpus in arguments.foreign
        for name in [arguments.foreign_queries or find_set(corpus)]
    }
    with tempfile.TemporaryDirectory(prefix="eagleray-relevance-") as folder:
        kept = arguments.store or Path(folder)
        searchers = open_searchers(prepare(arguments.corpus, kept, limit=arguments.limit))
        fitted, default = (measure(searcher, own, foreign) for searcher in searchers)
    about = {"corpus": arguments.corpus.name, "query_set": queries, "own_questions": len(own)}
    first = next(iter(foreign))
    show_result(
        {
            "foreign_rejected": fitted["foreign"][first],
            "own_rejected": fitted["own"],
            **about,
            "calibrated": fitted,
            "default": default,
        }
    )


def find_set(corpus: Path) -> str:
    """Return the set of questions that is asked where none is named.

    Raises:
        InputError: there is none.
    """
    present = sorted(path.stem for path in corpus.glob("queries*.jsonl"))
    if not present:
        raise InputError(detail=f"there is no queries*.jsonl in {corpus}")
    return next((name for name in _SETS if name in present), present[0])


def read_texts(corpus: Path, name: str) -> list[str]:
    """Return the questions of a set."""
    with (corpus / f"{name}.jsonl").open(encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line in stream]


def draw(items: Sequence[Any], n: int) -> list[Any]:
    """Return `n` of some questions by chance, the same each time."""
    return random.Random(SEED).sample(list(items), min(n, len(items)))  # noqa: S311 - draws questions, not secrets


def prepare(corpus: Path, folder: Path, *, limit: int) -> Settings:
    """Ingest and calibrate a corpus, unless it stands in the folder, and return the settings that name it."""
    settings = load_settings(store=str(folder / "store"), collection=corpus.name)
    jobs = JOBS.load(settings)
    if not (folder / "store" / corpus.name / "aliases").is_dir():
        source = copy_corpus(corpus, folder / "sources", limit=limit)
        jobs.ingest(IngestRequest(source=str(source)), show_stage)
    if make_engine_factory(settings).open_snapshot("live").manifest.relevance is None:
        print(json.dumps(jobs.calibrate(CalibrateRequest())), flush=True)
    return settings


def open_searchers(settings: Settings) -> tuple[Searcher, Searcher]:
    """Return what answers with what was learnt, and what answers with what every collection begins with."""
    opened = make_engine_factory(settings).open_snapshot("live")
    embedder = RememberingEmbedder(open_embedder(settings.embedder))

    def open_with(fitted: Fitted) -> Searcher:
        return Searcher(opened.snapshot_id, opened.segments, embedder=embedder, fitted=fitted)

    return open_with(opened.manifest.fitted), open_with(NOTHING_FITTED)


def measure(searcher: Searcher, own: Sequence[JudgedQuery], foreign: dict[str, list[str]]) -> dict[str, Any]:
    """Return the shares of questions of which the answer says that nothing is relevant."""
    figures = measure_mode(searcher, own, foreign, SearchMode.HYBRID)
    return {**figures, "by_words": measure_mode(searcher, own, foreign, SearchMode.LEXICAL)}


def measure_mode(
    searcher: Searcher, own: Sequence[JudgedQuery], foreign: dict[str, list[str]], mode: SearchMode
) -> dict[str, Any]:
    """Return the shares where some channels answer: of own questions that are answered, of all, of others."""
    judged, answered = [], []
    for query in own:
        response = searcher.search(SearchRequest(query=query.text, k=K, mode=mode))
        judged.append(not response.relevant)
        if any(hit.doc_id in query.relevant for hit in response.hits):
            answered.append(not response.relevant)
    rejected = {
        name: [not searcher.search(SearchRequest(query=text, k=K, mode=mode)).relevant for text in texts]
        for name, texts in foreign.items()
    }
    return {
        "own": _share(answered),
        "own_answered": len(answered),
        "own_judged": _share(judged),
        "foreign": {name: _share(found) for name, found in rejected.items()},
    }


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / max(1, len(found)), 4)


if __name__ == "__main__":
    main()
