"""Snippets of the shared corpora, where they are on this machine."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.corpora import read_judged_queries, read_texts
from benchmarks.shown import find_answer, hold
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import Statistics
from indexes.lexical.expressions import find_query_terms
from indexes.searching.highlights import Highlighter
from indexes.searching.snippets import SnippetMaker
from indexes.searching.snippets.units import find_units

ABBREVIATION = re.compile(r"\b(?:u\.s|inc|corp|ltd|no|vs|e\.g|i\.e|approx)\.$", re.IGNORECASE)
CONTINUING = frozenset(string.ascii_lowercase + string.digits)
CORPORA = Path(__file__).parents[6] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="the shared corpora are not on this machine")


def read_corpus(name):
    with (CORPORA / name / "corpus.jsonl").open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@pytest.mark.parametrize("name", ["tatqa", "finqa_page"])
def test_units_cover_every_passage_and_no_number_or_abbreviation_is_cut(name):
    n_units = 0
    for passage in read_corpus(name):
        text, end = passage["text"], 0
        for unit in find_units(text):
            assert not text[end : unit.start].strip()
            assert not end or text[end : unit.start], text[end - 20 : end + 20]
            last, following = text[max(0, end - 6) : end], text[unit.start]
            assert not (ABBREVIATION.search(last) and following in CONTINUING), (last, following)
            end, n_units = unit.end, n_units + 1
        assert not text[end:].strip()
    assert n_units > 7_000


def test_each_row_of_figures_has_the_header_of_its_table():
    tables = [passage["text"] for passage in read_corpus("tatqa") if passage["metadata"]["type"] == "table"]
    units = [(text, unit) for text in tables for unit in find_units(text)]
    assert all(unit.is_row for _, unit in units)
    told = [unit for _, unit in units if not unit.is_named_only]
    assert len(told) > 3_000
    assert sum(bool(unit.header) for unit in told) > 0.99 * len(told)
    assert all(text[unit.start : unit.end].count("|") > 1 for text, unit in units)


def test_snippets_of_judged_passages_hold_the_figures_that_answer():
    texts = read_texts(CORPORA / "tatqa")
    titles = {passage["_id"]: passage["title"] for passage in read_corpus("tatqa")}
    frequencies = Counter(term for text in texts.values() for term in set(ENGLISH.find_terms(text)))
    statistics = Statistics(n_rows=len(texts), total_length=0, frequencies=frequencies)
    held = {"snippets": 0, "beginnings": 0, "questions": 0}
    for query in read_judged_queries(CORPORA / "tatqa", queries="queries_company", qrels="all"):
        figures = find_answer(query, texts)
        if not figures:
            continue
        terms = find_query_terms(query.text)
        highlighter = Highlighter(terms)
        maker = SnippetMaker(terms, statistics, highlighter)
        snippets = [
            maker.make(
                texts[doc_id],
                words=highlighter.find_words(texts[doc_id]),
                title=titles[doc_id],
                heading=titles[doc_id],
            ).text
            for doc_id in query.relevant
        ]
        held["questions"] += 1
        held["snippets"] += hold(figures, snippets)
        held["beginnings"] += hold(figures, [texts[doc_id][:240] for doc_id in query.relevant])
    assert held["questions"] > 600
    assert held["snippets"] > 0.9 * held["questions"]
    assert held["snippets"] > 1.25 * held["beginnings"]
