"""Bad requests get problems that say what to do; nothing of the server's inside, and never a 500."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.errors import QueryError
from serve.http.errors.problems import MEDIA_TYPE
from serve.http.middleware.body_limit import MAX_BYTES
from tests.unit.serve.http.conftest import PATH
from tests.waiting import wait_until


def check(answer, status, *words):
    """Check a problem and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["type"].startswith("urn:eagleray:problem:")
    for word in words:
        assert word in problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "empty"),
        ({"query": "swap", "k": 0}, 422, "k:"),
        ({"query": "swap", "k": 10**9}, 422, "k:"),
        ({"query": "x" * 20_000}, 422, "query:"),
        ({"query": "swap", "mode": "magic"}, 422, "mode:"),
        ({"query": "swap", "limit": 3}, 422, "limit:"),
        ({"query": "swap", "as_of": "yesterday"}, 400, "yesterday"),
        ({"query": "swap", "filter": "year >="}, 400, "filter"),
        ({"query": "swap", "filter": {"year": {"like": 1}}}, 400, "like"),
        ({"query": "swap", "filter": "nothing = 1"}, 400, "nothing"),
        ({"query": "swap", "filter": "(" * 5_000}, 400, "filter"),
        ({"query": "swap", "filter": "not " * 4_000 + "year = 1"}, 400, "filter"),
        ({"query": "swap", "snapshot": "../../etc"}, 422, "snapshot:"),
        ({"query": "swap", "snapshot": "0" * 64}, 404, "0" * 8),
        ({"query": "swap", "like": "doc-1"}, 400, ""),
        ({"like": "no-such-document"}, 404, "no-such-document"),
        ({"query": "swap", "ranking": {"dense_weight": 2.0}}, 422, "ranking.dense_weight"),
        ({"query": "swap", "ranking": {"boosts": {"body": 2.0}}}, 400, "body"),
        ({"query": "swap", "rerank": 20}, 400, "rerank"),
        ({"query": "swap", "timeout_s": -1}, 422, "timeout_s:"),
        ({"query": 7}, 422, "query:"),
        ([], 422, ""),
        ("swap", 422, ""),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_refused_with_what_to_do(serve_with, body, status, word):
    async def ask(served):
        check(await served.client.post(PATH, json=body), status, word)

    serve_with(ask)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"query": "swap", "k": NaN}',
        b'{"query": "swap", "ranking": {"min_score": Infinity}}',
        b'{"query": "swap", "ranking": {"min_score": 1e999}}',
        b'{"query": "\\ud800"}',
        b'{"query": "swap", "filter": ' + b'{"not": ' * 5_000 + b"{}" + b"}" * 5_000 + b"}",
    ],
    ids=["empty", "cut", "no-utf-8", "nan", "infinity", "too-great", "half-a-pair", "deep"],
)
def test_bytes_that_are_no_request_are_refused(serve_with, content):
    async def ask(served):
        answer = await served.client.post(PATH, content=content, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        check(answer, answer.status_code)

    serve_with(ask)


def test_a_body_that_is_too_long_is_refused_however_it_comes(serve_with):
    async def drip():
        for _ in range(MAX_BYTES // 1_000 + 2):
            yield b" " * 1_000

    async def ask(served):
        headers = {"content-type": "application/json"}
        check(await served.client.post(PATH, content=drip(), headers=headers), 413, str(MAX_BYTES))

    serve_with(ask)


def test_other_collections_paths_and_methods_are_not_there(serve_with):
    async def ask(served):
        check(await served.client.post("/collections/other/search", json={"query": "swap"}), 404, "other")
        check(await served.client.get("/nothing"), 404, "/nothing")
        check(await served.client.get(PATH), 405)

    serve_with(ask)


def test_one_too_many_is_told_when_to_come_again(serve_with, monkeypatch):
    release, begun = threading.Event(), threading.Event()

    def work(engine, request, *, vector):
        begun.set()
        raise QueryError(detail=f"released: {release.wait(20)}")

    async def ask(served):
        lease = await served.watcher.lease()
        monkeypatch.setattr(type(lease.engine), "search", work)
        lease.release()
        held = asyncio.create_task(served.search(query="swap"))
        await wait_until(begun.is_set)
        waiting = asyncio.create_task(served.search(query="swap"))
        await wait_until(lambda: served.answerer.n_waiting == 1)
        refused = await served.search(query="swap")
        check(refused, 429, "waiting")
        assert int(refused.headers["retry-after"]) >= 1
        waiting.cancel()
        await wait_until(lambda: served.answerer.n_waiting == 0)
        check(await served.search(query="swap", timeout_s=0.05), 504, "0.05 s")
        release.set()
        check(await held, 400, "released: True")

    serve_with(ask, n_threads=1, max_waiting=1)


def test_a_defect_is_told_without_what_went_wrong(serve_with, monkeypatch):
    async def ask(served):
        lease = await served.watcher.lease()

        def fail(engine, request, *, vector):
            raise ZeroDivisionError("secret words")

        monkeypatch.setattr(type(lease.engine), "search", fail)
        lease.release()
        answer = await served.search(query="swap")
        assert "secret" not in answer.text
        check(answer, 500, "log")

    serve_with(ask)


def test_who_is_not_known_gets_one_answer_whatever_the_reason_and_who_lacks_the_role_another(serve_with):
    async def ask(served):
        for shown in ("wrong", "er_0", "eyJ.e.y"):
            refused = await served.client.post(
                PATH, json={"query": "swap"}, headers={"authorization": f"Bearer {shown}"}
            )
            problem = check(refused, 401, "valid API key or token")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert "unknown_key" not in refused.text
            assert "k1" not in refused.text
            assert set(problem) == {"type", "title", "status", "detail", "request_id"}
        writer = {"authorization": "Bearer writer"}
        check(await served.client.post(PATH, json={"query": "swap"}, headers=writer), 403, "search")
        check(await served.client.post(PATH, json={"k": "x"}, headers={"authorization": "Bearer no"}), 401)
        reader = {"authorization": "Bearer reader"}
        assert (await served.client.post(PATH, json={"query": "swap"}, headers=reader)).status_code == 200

    serve_with(ask)
