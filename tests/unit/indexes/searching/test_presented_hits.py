from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Page, Ranking, SearchMode, SearchRequest
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import QueryError
from indexes.fusion.relevance import BY_BOTH, BY_WORDS, RELEVANT, HitEvidence, weigh_evidence
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.coverage import share_words
from indexes.searching.searcher import Searcher
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import list_texts
from indexes.storage import open_store
from tests.small_collections import SPEC, make_rows, make_table, put_segment

TEXTS = [
    "Sales of fixed price contracts rose in fiscal 2019.",
    "The coupon of the 2029 notes is paid in June and December.",
    "Warranty reserves are held for three years.",
    "Vodafone sells mobile services in Europe and Africa.",
]
ANSWERED = "coupon of the 2029 notes"
FOREIGN = "recipe for apple pie and ice cream to sell in June"


@pytest.fixture(scope="module")
def searcher():
    embedder = HashingEmbedder()
    with tempfile.TemporaryDirectory() as name:
        store, rng = open_store(Path(name) / "store"), np.random.default_rng(3)
        rows = []
        for number, text in enumerate(TEXTS * 4):
            (row, *_) = make_rows(rng, n_documents=1, first=number * 3)
            rows.append({**row, "text": text, "heading": "", "groups": []})
        digest = put_segment(store, rows, embedder.embed_passages(list_texts(make_table(rows))))
        yield Searcher("a" * 64, [open_segment(Collection(store, SPEC.name), digest)], embedder=embedder)


def ask(searcher, query, **options):
    return searcher.search(SearchRequest(query=query, **options))


@pytest.mark.parametrize("mode", [SearchMode.HYBRID, SearchMode.LEXICAL])
def test_a_question_that_is_answered_is_told_from_one_that_is_not(searcher, mode):
    found = ask(searcher, ANSWERED, mode=mode)
    assert found.relevant
    assert found.hits[0].relevance >= RELEVANT
    nothing = ask(searcher, FOREIGN, mode=mode)
    assert nothing.relevant is False
    assert all(hit.relevance < RELEVANT for hit in nothing.hits)
    assert nothing.hits[0].score == found.hits[0].score == 1.0 or mode is SearchMode.LEXICAL


@pytest.mark.parametrize("mode", SearchMode)
def test_relevance_is_weighed_of_the_hits_own_words_and_the_counts_that_are_explained(searcher, mode):
    response = ask(searcher, "warranty reserves of zebras", mode=mode)
    about = response.explanation
    words = share_words(about.document_frequencies, n_rows=about.n_visible)
    weights = BY_WORDS if mode is SearchMode.LEXICAL else BY_BOTH
    for hit in response.hits:
        evidence = HitEvidence(
            dense=max(hit.dense or 0.0, 0.0),
            covered=words.cover_terms(frozenset(ENGLISH.find_terms(hit.text))),
            unknown=words.unknown,
        )
        assert hit.relevance == weigh_evidence(weights, evidence)
    assert words.unknown > 0.0


def test_a_document_that_asks_for_others_is_judged_not(searcher):
    response = searcher.search(SearchRequest(query="", like="doc-0", k=3))
    assert response.relevant is None
    assert {hit.relevance for hit in response.hits} == {None}
    with pytest.raises(QueryError, match="min_relevance is of answers to a question"):
        searcher.search(SearchRequest(query="", like="doc-0", ranking=Ranking(min_relevance=0.5)))


def test_a_least_relevance_leaves_out_hits_and_changes_nothing_else(searcher):
    whole = ask(searcher, ANSWERED, k=10)
    least = sorted(hit.relevance for hit in whole.hits)[4]
    found = ask(searcher, ANSWERED, k=10, ranking=Ranking(min_relevance=least))
    assert found.hits == tuple(hit for hit in whole.hits if hit.relevance >= least)
    assert 0 < len(found.hits) < len(whole.hits)
    assert found.relevant
    none = ask(searcher, FOREIGN, ranking=Ranking(min_relevance=0.5))
    assert (none.hits, none.relevant) == ((), False)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(QueryError, match="min_relevance must be from 0 to 1"):
            ask(searcher, ANSWERED, ranking=Ranking(min_relevance=wrong))


@pytest.mark.parametrize("least", [None, 0.05])
def test_pages_are_cut_from_one_answer_and_tell_the_same_of_it(searcher, least):
    request = SearchRequest(query=ANSWERED, k=12, ranking=Ranking(min_relevance=least))
    whole = searcher.search(request)
    paged = [
        searcher.search(replace(request, page=Page(skip=skip, n=2))) for skip in range(0, len(whole.hits), 2)
    ]
    assert tuple(hit for page in paged for hit in page.hits) == whole.hits
    assert {page.relevant for page in paged} == {whole.relevant} == {True}
    assert least or any(all(hit.relevance < RELEVANT for hit in page.hits) for page in paged)
