from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import IntegrityError
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.postings import Postings, build_postings

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


def test_saved_postings_are_the_same_bytes_and_read_back_equal(tmp_path):
    texts = ["the swap curve", "swaps and repo", ""]
    for name in ("a", "b"):
        build_postings(texts).save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    opened = Postings.open(tmp_path / "a")
    assert opened.find_range("swap") == build_postings(texts).find_range("swap")
    assert opened.n_rows == 3


def test_a_truncated_file_is_refused(tmp_path):
    build_postings(["swap", "repo"]).save(tmp_path)
    path = tmp_path / "rows.npy"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(IntegrityError):
        Postings.open(tmp_path)


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
