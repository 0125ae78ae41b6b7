from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.lexical.analysis import ENGLISH


@pytest.mark.parametrize(
    ("text", "term"),
    [("swaps", "swap"), ("US0378331005", "us0378331005"), ("AAPL", "aapl"), ("Form 10-K", "10k")],
)
def test_words_are_stemmed_and_names_of_things_stay_whole(text, term):
    assert term in ENGLISH.find_terms(text)


@given(st.text(max_size=60))
def test_every_token_points_into_the_text(text):
    for token in ENGLISH.find_tokens(text):
        assert 0 <= token.start < token.end <= len(text)


def test_words_are_counted_through_those_too_common_to_be_terms():
    text = "rate of return on the cost-plus contract"
    assert [(token.term, token.word) for token in ENGLISH.find_tokens(text)] == [
        ("rate", 0),
        ("return", 2),
        ("cost", 5),
        ("plus", 6),
        ("costplus", 5),
        ("contract", 7),
    ]
