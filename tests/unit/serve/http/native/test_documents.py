"""One document over HTTP: what is hidden is answered as what is not there."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from eagleray.contracts.answers import show_document
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest
from eagleray.errors import DocumentNotFoundError
from tests.small_collections import DAY, SPEC

PATH = f"/collections/{SPEC.name}/documents"
GROUPS = ("rates", "credit")
NAMES = [f"doc-{number}" for number in range(12)]


def show(served, **request):
    """Return what HTTP should give of a document, or `None` where the caller sees none."""
    engine = served.open_engine(served.watcher.state.snapshot)
    try:
        shown = show_document(engine.show_document(DocumentRequest(**request)))
    except DocumentNotFoundError:
        return None
    shown["chunks"] = [{**chunk, "chunk_id": str(chunk["chunk_id"])} for chunk in shown["chunks"]]
    return {
        **shown,
        "groups": list(shown["groups"]),
        "attributes": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in shown["attributes"].items()
        },
    }


@pytest.mark.parametrize("groups", [(), GROUPS], ids=["nobody", "groups"])
def test_a_document_is_that_of_the_engine_for_the_same_caller_and_time(serve_with, groups):
    async def ask(served):
        found = set()
        for doc_id in NAMES:
            for day in (None, 20, 59):
                as_of = {} if day is None else {"as_of": str(date(1970, 1, 1) + timedelta(days=day))}
                answer = await served.client.get(PATH, params={"doc_id": doc_id, **as_of})
                wanted = show(
                    served,
                    doc_id=doc_id,
                    as_of=None if day is None else day * DAY,
                    principal=Principal(subject="test", groups=frozenset(groups)),
                )
                assert answer.status_code == (404 if wanted is None else 200), answer.text
                found.add(answer.status_code)
                if wanted is not None:
                    assert answer.json() == wanted
                    assert answer.headers["cache-control"] == "no-store"
        assert found == {200, 404}

    serve_with(ask, groups=groups)


def test_a_hidden_document_is_answered_as_one_that_is_not_there(serve_with):
    async def ask(served):
        everybody = Principal(subject="all", groups=frozenset(GROUPS))
        nobody = Principal(subject="none")
        hidden = next(
            name
            for name in NAMES
            if show(served, doc_id=name, principal=everybody)
            and not show(served, doc_id=name, principal=nobody)
        )
        told = []
        for name in (hidden, "no/such document"):
            answer = await served.client.get(PATH, params={"doc_id": name})
            assert answer.status_code == 404
            problem = answer.json()
            assert problem.pop("request_id") == answer.headers["x-request-id"]
            told.append((str(problem).replace(name, "NAME"), sorted(answer.headers)))
        assert told[0] == told[1]
        first, second = served.recorded
        assert type(first.outcome) is type(second.outcome) is DocumentNotFoundError
        assert (first.request.doc_id, second.request.doc_id) == (hidden, "no/such document")

    serve_with(ask)


def test_no_document_is_shown_without_a_record(serve_with):
    async def ask(served):
        answer = await served.client.get(PATH, params={"doc_id": "doc-2"})
        assert answer.status_code == 503
        assert "chunks" not in answer.text

    serve_with(ask, can_record=False, groups=GROUPS)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"doc_id": "x" * 1_025}, 422),
        ({"doc_id": "doc-2", "snapshot": "latest"}, 422),
        ({"doc_id": "doc-2", "as_off": "1970-01-01"}, 422),
        ({"doc_id": "doc-2", "as_of": "yesterday"}, 400),
        ({"doc_id": ""}, 404),
        ({"doc_id": "doc-2", "snapshot": "0" * 64}, 404),
    ],
)
def test_what_cannot_be_shown_is_refused(serve_with, query, status):
    async def ask(served):
        assert (await served.client.get(PATH, params=query)).status_code == status

    serve_with(ask)


def test_only_readers_are_shown_documents(serve_with):
    async def ask(served):
        headers = {"authorization": "Bearer writer"}
        answer = await served.client.get(PATH, params={"doc_id": "doc-2"}, headers=headers)
        assert answer.status_code == 403

    serve_with(ask)
