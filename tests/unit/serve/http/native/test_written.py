"""What was written is found by the search that comes after the answer, however long opening takes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.small_collections import SPEC
from tests.small_searchers import open_engine
from tests.waiting import wait_until

PATH = f"/collections/{SPEC.name}/documents"
WRITER = {"authorization": "Bearer ann"}


class HeldOpener:
    """Opens a snapshot once it is let."""

    def __init__(self):
        self.gate, self.n_begun = threading.Event(), 0
        self.gate.set()

    def __call__(self, store, snapshot):
        self.n_begun += 1
        assert self.gate.wait(timeout=20)
        return open_engine(store, snapshot)


async def write(served, doc_id, text, *, key=None, **parameters):
    headers = WRITER | ({"idempotency-key": key} if key else {})
    body = {"documents": [{"doc_id": doc_id, "text": text}]}
    return await served.client.post(PATH, json=body, headers=headers, params=parameters)


async def find(served, query):
    answer = await served.search(query=query, mode="lexical", k=100)
    return {hit["doc_id"] for hit in answer.json()["hits"]}


def test_twenty_writes_in_a_row_are_each_found_by_the_search_after_them(serve_with):
    opener = HeldOpener()

    async def body(served):
        for number in range(20):
            opener.gate.clear()
            begun = opener.n_begun
            writing = asyncio.create_task(write(served, f"x{number}", f"okapi{number}"))
            await wait_until(lambda begun=begun: opener.n_begun > begun)
            assert await find(served, f"okapi{number}") == set()
            assert not writing.done()
            opener.gate.set()
            answer = await writing
            assert answer.status_code == 200, answer.text
            assert answer.json()["is_searchable"] is True
            assert await find(served, f"okapi{number}") == {f"x{number}"}
        gone = await served.client.delete(PATH, params={"doc_id": "x7"}, headers=WRITER)
        assert gone.json()["is_searchable"] is True
        assert await find(served, "okapi7") == set()

    serve_with(body, takes_files=True, open_with=opener)


def test_the_answer_waits_as_long_as_it_may_and_says_what_came_of_it(serve_with):
    opener = HeldOpener()

    async def body(served):
        opener.gate.clear()
        at_once = await write(served, "x", "okapi", key="k", wait_s=0)
        assert (at_once.status_code, at_once.json()["is_searchable"]) == (200, False)
        late = await write(served, "x", "okapi", key="k", wait_s=0.05)
        assert late.json() == at_once.json()
        waiting = asyncio.create_task(write(served, "x", "okapi", key="k", wait_s=20))
        after = await write(served, "x", "okapi", key="k", wait_s=0.05)
        assert after.json() == at_once.json()
        assert not waiting.done()
        assert await find(served, "okapi") == set()
        opener.gate.set()
        assert (await waiting).json() == {**at_once.json(), "is_searchable": True}
        assert await find(served, "okapi") == {"x"}

    serve_with(body, takes_files=True, open_with=opener)


@pytest.mark.parametrize("wait_s", ["-1", "31", "nan", "inf", "soon"])
def test_a_wait_that_is_none_is_refused(serve_with, wait_s):
    async def body(served):
        assert (await write(served, "x", "okapi", wait_s=wait_s)).status_code == 422
        assert served.recorded == []

    serve_with(body, takes_files=True)


def test_an_attribute_that_is_null_is_not_given(serve_with):
    async def body(served):
        document = {"doc_id": "n1", "text": "okapi", "attributes": {"year": None, "desk": "rates"}}
        answer = await served.client.post(PATH, json={"documents": [document]}, headers=WRITER)
        assert answer.status_code == 200, answer.text
        shown = await served.client.get(PATH, params={"doc_id": "n1"})
        assert shown.json()["attributes"] == {"desk": "rates"}

    serve_with(body, takes_files=True)
