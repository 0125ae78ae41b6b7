"""Counts of values over HTTP: the engine's, for the same caller, time and filter."""

from __future__ import annotations

import pytest

from eagleray.contracts.hits import FacetRequest
from eagleray.contracts.principals import Principal
from indexes.masks.grammar import parse_filter
from tests.small_collections import SPEC

PATH = f"/collections/{SPEC.name}/facets"
GROUPS = ("rates", "credit")


@pytest.mark.parametrize("groups", [(), GROUPS], ids=["nobody", "groups"])
def test_counts_are_those_of_the_engine_for_the_same_caller(serve_with, groups):
    async def ask(served):
        engine = served.open_engine(served.watcher.state.snapshot)
        principal = Principal(subject="test", groups=frozenset(groups))
        for body, wanted in (
            ({"column": "ticker"}, {}),
            ({"column": "tags", "n": 1}, {"n": 1}),
            ({"column": "year", "as_of": "1970-02-01"}, {"as_of": 31 * 86_400_000_000}),
            ({"column": "known_from", "filter": "year >= 2004"}, {"filter": parse_filter("year >= 2004")}),
        ):
            answer = await served.client.post(PATH, json=body)
            assert answer.status_code == 200, answer.text
            counted = engine.count_values(FacetRequest(column=body["column"], principal=principal, **wanted))
            assert answer.json() == {"snapshot": engine.snapshot, "values": counted}

    serve_with(ask, groups=groups)


def test_what_a_caller_may_not_see_counts_nowhere(serve_with):
    async def ask(served):
        answer = await served.client.post(PATH, json={"column": "doc_id", "n": 1_000})
        return {row["value"] for row in answer.json()["values"]}

    public, more = serve_with(ask), serve_with(ask, groups=GROUPS)
    assert public
    assert public < more


def test_a_count_stands_in_the_record_answered_or_not(serve_with):
    async def ask(served):
        await served.client.post(PATH, json={"column": "ticker", "n": 3})
        await served.client.post(PATH, json={"column": "nothing"})
        first, second = served.recorded
        assert (first.request.column, first.request.n) == ("ticker", 3)
        assert first.outcome.snapshot == served.watcher.state.snapshot
        assert type(second.outcome).__name__ == "FilterColumnError"

    serve_with(ask)


def test_no_counts_are_given_without_a_record(serve_with):
    async def ask(served):
        answer = await served.client.post(PATH, json={"column": "ticker"})
        assert answer.status_code == 503
        assert "values" not in answer.text

    serve_with(ask, can_record=False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"column": "ticker", "n": 0}, 422),
        ({"column": "ticker", "n": 1_001}, 422),
        ({"column": "ticker", "query": "swap"}, 422),
        ({"column": "nothing"}, 400),
        ({"column": "ticker", "filter": "year >="}, 400),
        ({"column": "ticker", "as_of": "yesterday"}, 400),
        ({"column": "ticker", "snapshot": "0" * 64}, 404),
    ],
)
def test_what_cannot_be_counted_is_refused(serve_with, body, status):
    async def ask(served):
        assert (await served.client.post(PATH, json=body)).status_code == status

    serve_with(ask)


def test_only_readers_count(serve_with):
    async def ask(served):
        headers = {"authorization": "Bearer writer"}
        answer = await served.client.post(PATH, json={"column": "ticker"}, headers=headers)
        assert answer.status_code == 403

    serve_with(ask)
