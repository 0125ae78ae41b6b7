from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.lexical.analysis import ENGLISH
from indexes.lexical.building import build_postings
from indexes.lexical.expressions import find_query_terms, name_phrase
from indexes.lexical.lists import find_lists

WORDS = ("swap", "swaps", "swapped", "of", "cost-plus", "cost", "plus", "10-K", "ADS", "repo")
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), max_size=8)


def list_rows(postings, name, *, n_prefix=None):
    lists = find_lists(postings, [name], n_prefix=postings.n_rows if n_prefix is None else n_prefix)
    held = slice(int(lists.starts[0]), int(lists.ends[0]))
    return dict(zip(lists.rows[held].tolist(), lists.frequencies[held].tolist(), strict=True))


def count_phrase(text, phrase):
    """Return how often a phrase stands in a text, word for word."""
    words: dict[int, set[str]] = {}
    for token in ENGLISH.find_tokens(text):
        words.setdefault(token.word, set()).add(token.term)
    wanted = [(place, term) for place, term in enumerate(phrase.strip('"').split(" ")) if term != "?"]
    return sum(
        all(term in words.get(start + place, ()) for place, term in wanted)
        for start in range(len(words) + 20)
    )


@given(TEXTS, st.lists(st.sampled_from(WORDS), min_size=2, max_size=4).map(" ".join))
def test_a_phrase_stands_where_its_words_follow_each_other(texts, wanted):
    phrase = name_phrase(wanted)
    if not phrase:
        return
    counts = {row: count_phrase(text, phrase) for row, text in enumerate(texts)}
    assert list_rows(build_postings(texts), phrase) == {row: n for row, n in counts.items() if n}


@given(TEXTS, st.sampled_from(["swap*", "swapp*", "cost*", "costpl*", "10*", "ad*", "rep*", "x*"]))
def test_a_beginning_joins_all_words_that_begin_so(texts, wanted):
    beginning = wanted[:-1]
    tokens = [list(ENGLISH.find_tokens(text)) for text in texts]
    terms = {
        token.term
        for row in tokens
        for token in row
        if token.term.startswith(beginning) or token.surface.startswith(beginning)
    }
    counts = {row: sum(token.term in terms for token in found) for row, found in enumerate(tokens)}
    assert list_rows(build_postings(texts), wanted) == {row: n for row, n in counts.items() if n}


def test_lists_of_all_kinds_stand_side_by_side_and_are_cut_to_what_was_known():
    texts = ["total return swap", "total swap", "swapping the total return", "total return"]
    postings = build_postings(texts)
    names = sorted(find_query_terms('"total return" swapp* swap'))
    assert names == ['"total return"', "return", "swap", "swapp", "swapp*", "total"]
    for n_prefix in range(5):
        lists = find_lists(postings, names, n_prefix=n_prefix)
        for place, name in enumerate(names):
            alone = list_rows(postings, name)
            rows = lists.rows[lists.starts[place] : lists.ends[place]].tolist()
            assert rows == [row for row in alone if row < n_prefix]


@pytest.mark.parametrize("name", ["swap", '"total return"', "swap*"])
def test_counts_of_a_masked_list_are_those_of_its_selected_rows(name):
    from indexes.lexical.bm25 import count_frequencies
    from indexes.selections import select_all

    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(["total", "return", "swap", "swaps"], size=5)) for _ in range(60)]
    postings = build_postings(texts)
    mask = rng.random(60) < 0.5
    selection = select_all(60).restrict(np.packbits(mask, bitorder="little"))
    held = list_rows(postings, name)
    assert count_frequencies(postings, [name], selection) == {name: sum(bool(mask[row]) for row in held)}
    assert Counter(held).total() > 0
