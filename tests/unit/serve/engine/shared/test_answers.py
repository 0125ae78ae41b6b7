"""Every field that decides an answer decides its name; of the caller only groups and zones do."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.filters import Compare, Comparison, IsIn
from eagleray.contracts.hits import Fusion, Granularity, Page, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from serve.engine.shared.searches import describe_question, describe_rights

ASKED = SearchRequest(query="swap")
OTHER = {
    "query": "swap ",
    "k": 11,
    "mode": SearchMode.DENSE,
    "granularity": Granularity.CHUNK,
    "as_of": 0,
    "filter": IsIn(column="year", values=(1,)),
    "exact": True,
    "like": "doc-1",
    "rerank": 10,
    "page": Page(skip=0, n=10),
}
OTHER_RANKING = {
    "boosts": {TextField.TITLE: 2.0},
    "fusion": Fusion.RECIPROCAL_RANK,
    "dense_weight": 0.5,
    "min_score": 0.0,
    "min_dense": 0.0,
    "min_lexical": 0.0,
    "min_relevance": 0.5,
    "diversity": 0.5,
    "n_per_document": 1,
}
SOURCES = Path(__file__).parents[5] / "indexes"


def test_every_field_of_a_request_tells_it_apart():
    assert set(OTHER) == {item.name for item in fields(SearchRequest)} - {"principal", "ranking"}
    assert set(OTHER_RANKING) == {item.name for item in fields(Ranking)}
    asked = [ASKED, *(replace(ASKED, **{name: value}) for name, value in OTHER.items())]
    asked += [replace(ASKED, ranking=Ranking(**{name: value})) for name, value in OTHER_RANKING.items()]
    assert len({describe_question(request) for request in asked}) == len(asked)


def test_values_that_are_equal_but_of_another_kind_are_told_apart():
    values = [1, 1.0, True, "1"]
    asked = [Compare(column="year", op=Comparison.EQ, value=value) for value in values]
    asked += [IsIn(column="year", values=values) for values in [(1,), (1, 1), ("1, 1",)]]
    assert len({describe_question(replace(ASKED, filter=item)) for item in asked}) == len(asked)
    boosts = [{TextField.TITLE: 2.0, TextField.HEADING: 1.0}, {TextField.HEADING: 1.0, TextField.TITLE: 2.0}]
    assert len({describe_question(replace(ASKED, ranking=Ranking(boosts=item))) for item in boosts}) == 2


NAMES = st.frozensets(st.text(max_size=4), max_size=4)
PRINCIPALS = st.builds(Principal, subject=st.text(), groups=NAMES, zones=st.none() | NAMES)


@given(one=PRINCIPALS, other=PRINCIPALS)
def test_rights_are_equal_exactly_where_groups_and_zones_are(one, other):
    is_equal = (one.groups, one.zones) == (other.groups, other.zones)
    assert (describe_rights(one) == describe_rights(other)) == is_equal
    assert describe_question(replace(ASKED, principal=one)) == describe_question(ASKED)


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.name)
def test_no_search_looks_at_the_subject_of_a_caller(path):
    read = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
    assert "subject" not in {node.attr for node in read}
