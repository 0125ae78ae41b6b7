"""Keys of requests: what is refused has not used its key, and what is carried out has."""

from __future__ import annotations

import dataclasses

import pytest

from eagleray.errors import InputError, StoreError
from tests.small_collections import SPEC

PATH = f"/collections/{SPEC.name}/documents"
RIGHT = {"documents": [{"doc_id": "x", "text": "Zebracoupon."}]}
REFUSED = {
    "malformed": {"content": b"{"},
    "of another shape": {"json": {"documents": [{"doc_id": "x"}]}},
    "with a time that is none": {"json": {"documents": [{"doc_id": "x", "text": "t", "known_from": "soon"}]}},
    "too large": {"json": {"documents": [{"doc_id": "x", "text": "t" * (2 << 20)}]}},
    "by a reader": {"json": RIGHT, "caller": "ann-reads"},
    "by nobody": {"json": RIGHT, "caller": "nobody"},
}


async def send(served, *, key="k", caller="ann", method="POST", **more):
    headers = {
        "authorization": f"Bearer {caller}",
        "idempotency-key": key,
        "content-type": "application/json",
    }
    return await served.client.request(method, PATH, headers=headers, **more)


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_request_does_not_use_its_key(serve_with, refused):
    async def body(served):
        answer = await send(served, **refused)
        assert 400 <= answer.status_code < 500, answer.text
        first = await send(served, json=RIGHT)
        assert first.status_code == 200, first.text
        again = await send(served, json=RIGHT)
        assert again.json() == first.json()
        assert len({item.outcome for item in served.recorded}) == 1

    serve_with(body, takes_files=True)


def test_what_the_collection_refuses_does_not_use_its_key_either(serve_with):
    async def body(served):
        documents = served.served.documents
        refusals = [InputError(detail="the column has another type"), StoreError(path="x", detail="away")]

        async def refuse_first(write):
            if refusals:
                raise refusals.pop(0)
            return await documents.write(write)

        refusing = dataclasses.replace(documents, write=refuse_first)
        object.__setattr__(served.served, "documents", refusing)
        assert (await send(served, json={"documents": [{"doc_id": "y", "text": "t"}]})).status_code == 400
        assert (await send(served, json=RIGHT)).status_code == 503
        other = await send(served, json={"documents": [{"doc_id": "y", "text": "t"}]})
        assert other.status_code == 422  # it may have been carried out
        assert (await send(served, json=RIGHT)).status_code == 200

    serve_with(body, takes_files=True)


def test_a_key_is_of_one_caller_and_one_body_and_one_kind_of_request(serve_with):
    async def body(served):
        first = await send(served, json=RIGHT)
        other = {"documents": [{"doc_id": "y", "text": "Zebracoupon."}]}
        assert (await send(served, json=other)).status_code == 422
        assert (await send(served, method="DELETE", params={"doc_id": "x"})).status_code == 422
        assert (await send(served, json=other, caller="ben")).status_code == 200
        assert (await send(served, json=other, key="l")).status_code == 200
        assert (await send(served, json=RIGHT)).json() == first.json()

    serve_with(body, takes_files=True)


def test_a_request_that_was_begun_and_left_by_a_crash_is_carried_out_by_its_retry(serve_with):
    async def body(served):
        documents = served.served.documents

        async def end(_):
            raise SystemError

        object.__setattr__(served.served, "documents", dataclasses.replace(documents, write=end))
        assert (await send(served, json=RIGHT)).status_code == 500
        object.__setattr__(served.served, "documents", documents)
        assert (await send(served, json=RIGHT)).status_code == 200
        assert (await send(served, json=RIGHT)).status_code == 200

    serve_with(body, takes_files=True)
