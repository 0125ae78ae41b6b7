from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from indexes.lexical.analysis import ENGLISH
from indexes.lexical.building import build_postings

WORDS = ("swap", "swaps", "10-K", "AAPL", "1,452.4", "U.S.", "ISIN", "US0378331005", "repo", "the")


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), max_size=12))
def test_postings_hold_exactly_the_counts_of_every_row(texts):
    postings = build_postings(texts)
    counts = [Counter(ENGLISH.find_terms(text)) for text in texts]
    assert postings.lengths.tolist() == [found.total() for found in counts]
    for term in {term for found in counts for term in found}:
        start, end = postings.find_range(term)
        held = dict(
            zip(postings.rows[start:end].tolist(), postings.frequencies[start:end].tolist(), strict=True)
        )
        assert held == {row: found[term] for row, found in enumerate(counts) if term in found}
        assert list(held) == sorted(held)
    assert postings.find_range("absent") == (0, 0)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), max_size=12))
def test_positions_are_those_of_the_words_in_every_row(texts):
    postings = build_postings(texts)
    for number in range(postings.n_terms):
        start, end = postings.position_offsets[number : number + 2]
        held = slice(*postings.offsets[number : number + 2])
        rows = postings.rows[held].repeat(postings.frequencies[held])
        found = list(zip(rows.tolist(), postings.positions[start:end].tolist(), strict=True))
        letters = postings.vocabulary.terms[slice(*postings.vocabulary.offsets[number : number + 2])]
        expected = [
            (row, token.word)
            for row, text in enumerate(texts)
            for token in ENGLISH.find_tokens(text)
            if token.term == bytes(letters).decode()
        ]
        assert found == sorted(expected)
