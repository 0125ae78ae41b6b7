from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import TextField
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import find_idf
from indexes.lexical.coverage import BACKGROUND_ROWS, share_words
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import list_texts
from indexes.storage import open_store
from tests.small_collections import SPEC, make_rows, make_vectors, put_segment

FREQUENCIES = {"swap": 30, "curv": 12, "repo": 1, "zebra": 0, '"swap curv"': 3}


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    store, rng = open_store(tmp_path_factory.mktemp("rows")), np.random.default_rng(5)
    rows = make_rows(rng, n_documents=30)
    return open_segment(Collection(store, SPEC.name), put_segment(store, rows, make_vectors(rng, len(rows))))


def test_words_share_their_idf_and_a_phrase_counts_by_its_words():
    words = share_words(FREQUENCIES, n_rows=40)
    idf = {
        word: find_idf(40 + BACKGROUND_ROWS, frequency)
        for word, frequency in FREQUENCIES.items()
        if " " not in word
    }
    assert words.shares == pytest.approx({word: idf[word] / sum(idf.values()) for word in sorted(idf)})
    assert sum(words.shares.values()) == pytest.approx(1.0)
    assert words.unknown == pytest.approx(words.shares["zebra"] * 40 / (40 + BACKGROUND_ROWS))


def test_rows_and_the_terms_of_their_texts_cover_the_same(view):
    words, rows = share_words(FREQUENCIES, n_rows=40), np.random.default_rng(6).permutation(view.n_rows)
    texts = list_texts(view.rows)
    wanted = [words.cover_terms(frozenset(ENGLISH.find_terms(texts[row]))) for row in rows]
    found = words.cover_rows(view.postings[TextField.BODY], rows)
    assert found.tolist() == wanted
    assert len(set(wanted)) > 3


def test_a_beginning_is_held_by_rows_with_a_word_that_begins_so(view):
    words = share_words({"cur*": 5, "swap": 5}, n_rows=40)
    found = words.cover_rows(view.postings[TextField.BODY], np.arange(view.n_rows))
    held = [
        0.5 * any(term.startswith("cur") for term in terms) + 0.5 * ("swap" in terms)
        for terms in map(ENGLISH.find_terms, list_texts(view.rows))
    ]
    assert found.tolist() == pytest.approx(held)


def test_a_question_without_words_is_covered_by_nothing(view):
    words = share_words({}, n_rows=40)
    assert words.unknown == 0.0
    assert words.cover_rows(view.postings[TextField.BODY], np.arange(3)).tolist() == [0.0] * 3
    assert words.cover_terms(frozenset({"swap"})) == 0.0
