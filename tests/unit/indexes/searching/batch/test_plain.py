from __future__ import annotations

import pytest

from eagleray.contracts.hits import Fusion, Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import FittedRanking
from eagleray.contracts.times import LATEST, OPEN_END
from indexes.searching.batch.searcher import MAX_K, is_plain

CHUNK = Granularity.CHUNK


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (SearchRequest(query="swap"), True),
        (SearchRequest(query="swap", as_of=LATEST, k=MAX_K), True),
        (SearchRequest(query="swap", as_of=OPEN_END), False),
        (SearchRequest(query="swap", k=MAX_K + 1), False),
        (SearchRequest(query="swap", ranking=Ranking(dense_weight=0.5)), True),
        (SearchRequest(query="swap", ranking=Ranking(dense_weight=1.0)), False),
        (SearchRequest(query="swap", ranking=Ranking(dense_weight=1.0), mode=SearchMode.DENSE), True),
        (SearchRequest(query="swap", ranking=Ranking(boosts={TextField.TITLE: 0.0})), True),
        (SearchRequest(query="swap", ranking=Ranking(boosts={TextField.TITLE: 1.0})), True),
        (SearchRequest(query="swap", ranking=Ranking(diversity=0.1)), False),
        (SearchRequest(query="swap", ranking=Ranking(min_score=0.1, min_dense=0.0)), True),
        (SearchRequest(query="swap", granularity=CHUNK, ranking=Ranking(n_per_document=2)), True),
        (SearchRequest(query="swap", ranking=Ranking(fusion=Fusion.RECIPROCAL_RANK)), False),
    ],
)
def test_the_fast_path_takes_what_it_knows(request_, expected):
    assert is_plain(request_, None) is expected


@pytest.mark.parametrize(("dense_weight", "expected"), [(0.2, True), (0.0, False)])
def test_it_takes_a_collection_with_weights_of_its_own_as_long_as_both_channels_count(dense_weight, expected):
    fitted = FittedRanking(dense_weight=dense_weight, boosts={TextField.TITLE: 1.0}, n_questions=50)
    assert is_plain(SearchRequest(query="swap"), fitted) is expected
    assert is_plain(SearchRequest(query="swap", ranking=Ranking(dense_weight=0.5)), fitted)
