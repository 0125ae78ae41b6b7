from __future__ import annotations

import math

import pytest

from eagleray.contracts.filters import Matches
from eagleray.contracts.hits import FacetRequest, Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.errors import FilterError, QueryError
from indexes.searching.request_checks import check_facets, check_request


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"query": " "}, "the query is empty"),
        ({"query": "caf\udce9"}, "the query: it holds a byte that is no UTF-8"),
        ({"like": "caf\udce9", "query": ""}, "like: it holds a byte that is no UTF-8"),
        ({"query": "swap", "like": "doc1"}, "give one of the two"),
        ({"query": "a" * 16_385}, "the query has 16385 characters; at most 16,384"),
        ({"like": "a" * 1_025, "query": ""}, "like has 1025 characters; at most 1,024"),
        ({"query": "swap", "k": 0}, "k must be at least 1, found 0"),
        ({"query": "swap", "diversity": 1.5}, "diversity must be from 0 to 1, found 1.5"),
        ({"query": "swap", "diversity": math.nan}, "diversity must be from 0 to 1, found nan"),
        ({"query": "swap", "dense_weight": -0.1}, "dense_weight must be from 0 to 1"),
        ({"query": "swap", "n_per_document": 2}, "ask for chunks"),
        ({"query": "swap", "n_per_document": 0, "granularity": Granularity.CHUNK}, "at least 1, found 0"),
        ({"query": "swap", "min_score": math.inf}, "min_score must be a finite number"),
        ({"query": "swap", "min_dense": 0.5, "mode": SearchMode.LEXICAL}, "the mode is lexical"),
        ({"query": "swap", "min_lexical": 0.5, "mode": SearchMode.DENSE}, "the mode is dense"),
        ({"query": "swap", "boosts": {TextField.BODY: 2.0}}, "boost of 'body': expected title or heading"),
        ({"query": "swap", "boosts": {TextField.TITLE: -1.0}}, "at least 0, found -1.0"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_may_be(options, told):
    with pytest.raises(QueryError, match=told):
        ranking = Ranking(**{name: options[name] for name in options if name in Ranking.__slots__})
        rest = {name: value for name, value in options.items() if name not in Ranking.__slots__}
        check_request(SearchRequest(ranking=ranking, **rest))


def test_a_filter_made_by_hand_has_the_same_bounds():
    matches = Matches(column="text", words="a." * 1_000)
    with pytest.raises(FilterError, match="2000 characters"):
        check_request(SearchRequest(query="swap", filter=matches))
    with pytest.raises(FilterError, match="2000 characters"):
        check_facets(FacetRequest(column="source", filter=matches))
    with pytest.raises(QueryError, match="column has 1025 characters"):
        check_facets(FacetRequest(column="a" * 1_025))
