from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.filters import Matches, Not
from eagleray.errors import FilterColumnError
from indexes.masks.columns import evaluate_filter
from indexes.segments.opened_segment import open_segment
from indexes.storage import open_store
from tests.small_collections import SPEC, make_rows, put_segment


@pytest.fixture
def view(tmp_path):
    rows = make_rows(np.random.default_rng(8), n_documents=6)[:5]
    texts = ["the total return swap", "return of the total swap", "derived deriving", "credit events", "10-K"]
    for row, text in zip(rows, texts, strict=True):
        row["text"], row["heading"], row["title"] = text, "", "Credit desk"
    rows[3]["heading"] = "Total return"
    store = open_store(tmp_path)
    vectors = np.eye(16, dtype=np.float32)[: len(rows)]
    return open_segment(Collection(store, SPEC.name), put_segment(store, rows, vectors))


@pytest.mark.parametrize(
    ("column", "words", "texts"),
    [
        ("text", "total return swap", {"the total return swap"}),
        ("text", "Total Returns", {"the total return swap", "credit events"}),
        ("heading", "total return", {"credit events"}),
        ("text", "swaps", {"the total return swap", "return of the total swap"}),
        ("text", "derivi*", {"derived deriving"}),
        ("text", "10-k", {"10-K"}),
        ("title", "total", set()),
        (
            "title",
            "credit",
            {
                "the total return swap",
                "return of the total swap",
                "derived deriving",
                "credit events",
                "10-K",
            },
        ),
    ],
)
def test_rows_match_that_hold_the_word_the_phrase_or_the_beginning(view, column, words, texts):
    found = evaluate_filter(Matches(column=column, words=words), view)
    every = view.rows["text"].to_pylist()
    assert {text for text, is_found in zip(every, found, strict=True) if is_found} == texts
    others = evaluate_filter(Not(operand=Matches(column=column, words=words)), view)
    assert np.array_equal(others, ~found)


@pytest.mark.parametrize(
    ("column", "words", "told"),
    [
        ("source", "total", "matches looks into text, title, heading"),
        ("text", "of the", "holds no word to look for"),
        ("text", "credit deriv*", "asterisk stands at the end of a single word"),
    ],
)
def test_what_cannot_be_matched_is_refused(view, column, words, told):
    with pytest.raises(FilterColumnError, match=told):
        evaluate_filter(Matches(column=column, words=words), view)
