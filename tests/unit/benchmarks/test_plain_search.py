from __future__ import annotations

from math import log

import numpy as np
import pytest

from benchmarks.plain_search import PlainIndex, count_terms
from eagleray.contracts.hits import Granularity, SearchMode

TEXTS = ["swap swap curve", "curve", "bond repo", "bond repo"]
INDEX = PlainIndex(
    chunk_ids=[40, 30, 20, 10],
    doc_ids=["a", "b", "c", "c"],
    texts=TEXTS,
    terms=count_terms(TEXTS),
    vectors=np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]]),
)
EAST = np.array([1.0, 0.0], dtype=np.float32)


def score(rows, query, mode):
    return INDEX.score(np.array(rows, dtype=np.int64), query, EAST)[mode]


@pytest.mark.parametrize(
    ("rows", "query", "expected"),
    [
        # 3 rows of mean length 2; 1 holds the term, twice among its 3 terms
        ([0, 1, 2], "swap", {0: log(1 + 2.5 / 1.5) * 2 * 1.9 / (2 + 0.9 * (0.4 + 0.6 * 3 / 2))}),
        # without the third there are 2 rows of mean length 2
        ([0, 1], "swap", {0: log(1 + 1.5 / 1.5) * 2 * 1.9 / (2 + 0.9 * (0.4 + 0.6 * 3 / 2))}),
        # a word said twice counts twice
        ([0, 1], "swap swap", {0: 2 * log(2) * 3.8 / 3.17}),
        # both rows hold the term, once among 3 terms and once alone
        ([0, 1], "curve", {0: log(1.2) * 1.9 / (1 + 0.9 * 1.3), 1: log(1.2) * 1.9 / (1 + 0.9 * 0.7)}),
        # the phrase counts as a term of its own: 1 of 3 rows of mean length 2 holds it, once among 3 terms
        (
            [0, 1, 2],
            '"swap curve"',
            {
                0: log(1 + 2.5 / 1.5) * (2 * 1.9 / (2 + 0.9 * 1.3) + 1.9 / (1 + 0.9 * 1.3))
                + log(1 + 1.5 / 2.5) * 1.9 / (1 + 0.9 * 1.3),
                1: log(1 + 1.5 / 2.5) * 1.9 / (1 + 0.9 * 0.7),
            },
        ),
        ([0, 1], "repo", {}),
        ([], "swap", {}),
    ],
)
def test_lexical_scores_are_those_worked_out_by_hand(rows, query, expected):
    assert score(rows, query, SearchMode.LEXICAL) == pytest.approx(expected, rel=1e-12)


def test_dense_scores_are_inner_products_of_the_visible_rows():
    assert score([1, 2, 3], "swap", SearchMode.DENSE) == pytest.approx({1: 0.0, 2: 0.6, 3: -1.0})


def test_hybrid_scores_are_scaled_by_the_best_visible_row_of_each_channel():
    found = score([1, 2, 3], "curve", SearchMode.HYBRID)
    assert found == pytest.approx({1: 0.65, 2: 0.35, 3: 0.0})


def test_ties_go_to_the_lower_chunk_id_and_a_document_stands_once():
    scores = score([0, 1, 2, 3], "bond", SearchMode.LEXICAL)
    assert INDEX.rank(scores, Granularity.CHUNK, k=10) == [3, 2]
    assert INDEX.rank(scores, Granularity.DOCUMENT, k=10) == [3]
    dense = score([0, 1, 2, 3], "bond", SearchMode.DENSE)
    assert INDEX.rank(dense, Granularity.CHUNK, k=3) == [0, 2, 1]
