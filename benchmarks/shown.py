"""Does what is shown of a hit hold the answer? The snippets of the first three hits, and their beginnings.

    python -m benchmarks.shown CORPUS_DIR --queries NAME --qrels NAME [--mode MODE] [--store FOLDER]

A judged corpus is ingested with default settings. A question counts if its answer (`metadata.answer`) has
figures, not years alone, that stand in a passage that was judged to answer it. The answer is held where all
its figures stand in the snippets of the first three hits; the other count is that of the first 240 characters
of the same hits' texts. Figures are compared without signs, currencies and separators, and with their scale
where one is named. The constants of snippets were chosen by every other question: `halves` has both counts of
those, then of the rest. With `--store` the corpus is kept there, and used again.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks.corpora import JudgedQuery, read_judged_queries, read_texts
from benchmarks.known_items import ingest
from benchmarks.reporting import show_result
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.parts import INDEX

HITS: Final = 3
FIRST_CHARACTERS: Final = 240
COMPUTED: Final = frozenset({"arithmetic", "count"})
"""Kinds of answers that stand nowhere: they are computed from figures that do."""

_SCALES: Final = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_FIGURE: Final = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?(?P<scale>thousand|million|billion|trillion))?",
    re.IGNORECASE,
)
_YEARS: Final = range(1900, 2100)

Figure = frozenset[Decimal]
"""What a figure may stand for: its digits as they are, and scaled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One question, and what holds its answer.

    Attributes:
        is_year: whether years alone answer it.
        snippets: whether the snippets of the first hits hold it.
        beginnings: whether their first characters do.
        texts: whether their texts do.
        n_shown: characters of the snippets.
        n_first: characters of the beginnings.
    """

    is_year: bool
    snippets: bool
    beginnings: bool
    texts: bool
    n_shown: int
    n_first: int


def main() -> None:
    """Ingest, ask, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--queries", default="queries")
    parser.add_argument("--qrels", default="all")
    parser.add_argument("--mode", type=SearchMode, choices=list(SearchMode), default=SearchMode.HYBRID)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    queries = read_judged_queries(arguments.corpus, queries=arguments.queries, qrels=arguments.qrels)
    texts = read_texts(arguments.corpus)
    with tempfile.TemporaryDirectory(prefix="eagleray-shown-") as folder:
        settings = ingest(arguments.corpus, arguments.store or Path(folder))
        engine = INDEX.load(settings).open_engine(snapshot="live")
        halves: tuple[list[Shown], list[Shown]] = ([], [])
        for place, query in enumerate(queries):
            figures = find_answer(query, texts)
            if figures:
                halves[place % 2].append(ask(engine, query, figures, mode=arguments.mode))
    about = {"corpus": arguments.corpus.name, "query_set": arguments.queries, "mode": arguments.mode.value}
    show_result({**about, **report(halves)})


def find_answer(query: JudgedQuery, texts: dict[str, str]) -> list[Figure]:
    """Return the figures that answer a question; none where they stand in no passage judged to answer it."""
    if query.answer_type in COMPUTED:
        return []
    figures = [figure for answer in query.answers for figure in read_figures(answer)]
    return figures if hold(figures, [texts.get(doc_id, "") for doc_id in query.relevant]) else []


def read_figures(text: str) -> list[Figure]:
    """Return the figures of a text, without signs: `(1,234)` is 1234, `$1.5 billion` 1.5 and 1500000000."""
    found = []
    for match in _FIGURE.finditer(text):
        value = Decimal(match["number"].replace(",", "")).normalize()
        scale = _SCALES[match["scale"].lower()] if match["scale"] else 0
        found.append(frozenset({value, value.scaleb(scale).normalize()}))
    return found


def hold(figures: Sequence[Figure], texts: Iterable[str]) -> bool:
    """Return whether texts together hold all figures."""
    held = {value for text in texts for figure in read_figures(text) for value in figure}
    return all(not held.isdisjoint(figure) for figure in figures)


def ask(engine: SearchEngine, query: JudgedQuery, figures: list[Figure], *, mode: SearchMode) -> Shown:
    """Return what the first hits of a question hold."""
    hits = engine.search(SearchRequest(query=query.text, k=HITS, mode=mode)).hits
    snippets, beginnings = [hit.snippet.text for hit in hits], [hit.text[:FIRST_CHARACTERS] for hit in hits]
    return Shown(
        is_year=all(value in _YEARS for figure in figures for value in figure),
        snippets=hold(figures, snippets),
        beginnings=hold(figures, beginnings),
        texts=hold(figures, [hit.text for hit in hits]),
        n_shown=sum(map(len, snippets)),
        n_first=sum(map(len, beginnings)),
    )


def report(halves: Sequence[Sequence[Shown]]) -> dict[str, Any]:
    """Return the counts, those of each half, and those of questions that years alone answer."""
    amounts = [[item for item in half if not item.is_year] for half in halves]
    counted = [item for half in amounts for item in half]
    years = [item for half in halves for item in half if item.is_year]
    figures = count(counted)
    n_hits = max(1, HITS * len(counted))
    return {
        **figures,
        "times_as_often": round(
            figures["shown_holds_answer"] / max(1, figures["first_characters_hold_answer"]), 3
        ),
        "whole_texts_hold_answer": sum(item.texts for item in counted),
        "shown_characters_per_hit": round(sum(item.n_shown for item in counted) / n_hits, 1),
        "first_characters_per_hit": round(sum(item.n_first for item in counted) / n_hits, 1),
        "halves": [count(half) for half in amounts],
        "answered_by_years": count(years),
    }


def count(shown: Sequence[Shown]) -> dict[str, int]:
    """Return how many questions there are, and how many answers both ways hold."""
    return {
        "questions": len(shown),
        "shown_holds_answer": sum(item.snippets for item in shown),
        "first_characters_hold_answer": sum(item.beginnings for item in shown),
    }


if __name__ == "__main__":
    main()
