"""Attributes of several types, with odd names, and of hidden documents, over HTTP."""

from __future__ import annotations

import pytest

from tests.small_collections import SPEC

ROOT = f"/collections/{SPEC.name}"
ANN = {"authorization": "Bearer ann", "x-request-id": "r-1"}


class Desk:
    """Writes, and asks about what was written."""

    def __init__(self, served):
        self.served = served

    async def write(self, *documents):
        body = {"documents": [{"text": "Zebrawood memorandum.", **document} for document in documents]}
        answer = await self.served.client.post(f"{ROOT}/documents", json=body, headers=ANN)
        await self._follow(answer)
        return answer

    async def remove(self, doc_id):
        answer = await self.served.client.delete(f"{ROOT}/documents", params={"doc_id": doc_id}, headers=ANN)
        await self._follow(answer)

    async def _follow(self, answer):
        if answer.status_code == 200:
            snapshot = answer.json()["snapshot"]
            assert await self.served.watcher.take(snapshot, timeout_s=20.0), self.served.watcher.state

    async def search(self, where, *, headers=ANN):
        body = {"query": "zebrawood", "k": 100, "mode": "lexical", "filter": where}
        return await self.served.client.post(f"{ROOT}/search", json=body, headers=headers)

    async def find(self, where):
        answer = await self.search(where)
        assert answer.status_code == 200, answer.text
        return {hit["doc_id"] for hit in answer.json()["hits"]}

    async def count(self, column, *, headers=ANN, **more):
        body = {"column": column, "n": 100, **more}
        answer = await self.served.client.post(f"{ROOT}/facets", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return [(row["value"], row["documents"]) for row in answer.json()["values"]]


@pytest.fixture
def at_desk(serve_with):
    """Run a coroutine with a desk, for callers of given groups."""

    def run(body, **more):
        serve_with(lambda served: body(Desk(served)), takes_files=True, **more)

    return run


def test_a_document_of_other_types_changes_nothing_for_others(at_desk):
    async def body(desk):
        await desk.write({"doc_id": "w1", "attributes": {"tag": "a", "when": "2019-01-01", "num": 2**53 + 1}})
        await desk.write({"doc_id": "w2", "attributes": {"tag": ["a", "b"], "when": "n/a", "num": 1.5}})
        both = {"w1", "w2"}
        assert await desk.find({"tag": "a"}) == both
        assert await desk.find({"when": "2019-01-01"}) == {"w1"}
        assert await desk.find({"num": {"gte": 1}}) == both
        assert await desk.find({"num": 2**53 + 1}) == {"w1"}
        assert await desk.count("tag") == [("a", 2), ("b", 1)]
        assert await desk.count("when") == [("n/a", 1), ("2019-01-01T00:00:00Z", 1)]
        assert await desk.count("num") == [(1.5, 1), (2**53 + 1, 1)]
        shown = await desk.served.client.get(f"{ROOT}/documents", params={"doc_id": "w2"})
        assert shown.json()["attributes"] == {"tag": ["a", "b"], "when": "n/a", "num": 1.5}
        questions = [
            {"query": "zebrawood", "filter": {"tag": "a"}},
            {"query": "zebrawood", "filter": "num > 2"},
        ]
        batch = await desk.served.client.post(f"{ROOT}/search/batch", json={"questions": questions})
        found = [{hit["doc_id"] for hit in answer["hits"]} for answer in batch.json()["answers"]]
        assert found == [both, {"w1"}]
        await desk.remove("w2")
        assert await desk.find({"tag": "a"}) == {"w1"}
        assert await desk.count("when") == [("2019-01-01T00:00:00Z", 1)]

    at_desk(body)


def test_an_attribute_cannot_hide_a_column_every_row_has(at_desk):
    async def body(desk):
        before = await desk.find({"known_from": {"gte": "2020-01-01"}})
        await desk.write({"doc_id": "val", "attributes": {"known_from": "x", "title": 3}})
        assert await desk.find({"known_from": {"gte": "2020-01-01"}}) == before | {"val"}
        assert await desk.find({"attributes.known_from": "x"}) == {"val"}
        assert await desk.find("attributes.title = 3") == {"val"}
        assert await desk.count("attributes.known_from") == [("x", 1)]
        assert (await desk.search({"title": 3})).status_code == 400
        refused = await desk.write({"doc_id": "z", "attributes": {"zone": "x"}})
        assert (refused.status_code, "zone is a field of the document" in refused.text) == (400, True)

    at_desk(body)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("small = 99999999999999999999", set()),
        ("small < 99999999999999999999999", {"f1", "f2"}),
        ("big = 1.5", set()),
        ("big > 9.007199254740992e15", {"f1"}),
        ("big in (9007199254740993, 1.5)", {"f1"}),
        ("big < 9223372036854775808", {"f1", "f2"}),
        ("f = 9007199254740993", set()),
        ("f < 99999999999999999999", {"f1", "f2"}),
        ("f in (9007199254740993)", set()),
        ("z in (0)", {"f1", "f2"}),
        ("z = 0", {"f1", "f2"}),
        ({"small": 2**63 - 1}, set()),
        ({"big": {"gt": 9007199254740992.0}}, {"f1"}),
        ({"z": [0]}, {"f1", "f2"}),
        ({"small": {"between": [-1e300, 1.5]}}, {"f1"}),
    ],
)
def test_numbers_of_any_size_are_compared_exactly(at_desk, where, found):
    async def body(desk):
        await desk.write(
            {"doc_id": "f1", "attributes": {"big": 2**53 + 1, "small": 1, "f": 0.1, "z": 0.0}},
            {"doc_id": "f2", "attributes": {"big": 2, "small": 2, "f": 0.2, "z": -0.0}},
        )
        assert await desk.find(where) == found

    at_desk(body)


@pytest.mark.parametrize(
    "name", ["net yield", 'say "hi"', "a.b", "and", "\u00fcber", "attributes.x", "attr.others"]
)
def test_odd_names_can_be_asked_for(at_desk, name):
    async def body(desk):
        await desk.write({"doc_id": "odd", "attributes": {name: 7}})
        column = f"attributes.{name}"
        quoted = column.replace('"', '""')
        assert await desk.find({column: 7}) == await desk.find(f'"{quoted}" = 7') == {"odd"}
        assert await desk.count(column) == [(7, 1)]

    at_desk(body)


def test_thousands_of_names_are_all_found(at_desk):
    async def body(desk):
        documents = [
            {"doc_id": f"d{number}", "attributes": {f"name {number} {part}": part for part in range(60)}}
            for number in range(60)
        ]
        assert (await desk.write(*documents)).status_code == 200
        for number, part in ((0, 0), (31, 7), (59, 59)):
            assert await desk.find({f"name {number} {part}": part}) == {f"d{number}"}
            assert await desk.count(f"name {number} {part}") == [(part, 1)]
        missing = await desk.search({"name 5 99": 1})
        assert missing.status_code == 400
        assert len(missing.text) < 1_000

    at_desk(body)


@pytest.mark.parametrize("name", ["", "a" * 300, "a\nb", "\x1b"])
def test_names_that_nobody_could_ask_for_are_refused(at_desk, name):
    async def body(desk):
        refused = await desk.write({"doc_id": "odd", "attributes": {name: 7}})
        assert (refused.status_code, "name of an attribute" in refused.text) == (400, True)

    at_desk(body)


HIDDEN = [
    {
        "doc_id": "s1",
        "groups": ["secret"],
        "attributes": {"nope_col": 1, "year": "unknown", "zzz": "2019-01-01"},
    },
    {"doc_id": "s2", "groups": ["secret"], "attributes": {"yeer": True, "tags": 5}},
]
OPEN = {"doc_id": "o", "attributes": {"year": 2019, "tags": ["a"]}}
FILTERS = [
    "nope_col = 1",
    'year = "unknown"',
    "yeer = true",
    "tags = 5",
    'zzz > "2018-01-01"',
    "zzz is null",
    "year > 1",
]
COLUMNS = ["nope_col", "zzz", "yeer", "year", "tags"]


def test_attributes_of_hidden_documents_are_to_others_as_if_nobody_had_used_them(serve_with):
    def ask_all(*documents, groups=()):
        answers = []

        async def body(served):
            desk = Desk(served)
            await desk.write(OPEN, *documents)
            for where in FILTERS:
                answer = await desk.search(where)
                shown = answer.json()
                found = [(hit["doc_id"], hit["attributes"]) for hit in shown.get("hits", [])]
                answers.append(found if "hits" in shown else answer.content)
            for column in COLUMNS:
                answer = await served.client.post(f"{ROOT}/facets", json={"column": column}, headers=ANN)
                shown = answer.json()
                answers.append(shown.get("values", answer.content))

        serve_with(body, takes_files=True, groups=groups)
        return answers

    assert ask_all() == ask_all(*HIDDEN)
    refused = [answer for answer in ask_all(*HIDDEN) if isinstance(answer, bytes)]
    assert len(refused) == 9
    assert not isinstance(ask_all(*HIDDEN, groups=("secret",))[0], bytes)
