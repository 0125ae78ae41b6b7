"""Who is let in is told before a body is read, in one order on every route; HEAD and OPTIONS are for all."""

from __future__ import annotations

import base64
import re

import httpx
import pytest
from fastapi import APIRouter

from eagleray.contracts.callers import Action
from eagleray.errors import AuthenticationError
from serve.http.access import Asking, read_credential
from serve.http.middleware.admission import Admission, list_needs
from tests.unit.serve.http.conftest import PATH

OPEN = {"/", "/docs", "/health/live", "/health/ready", "/health", "/openapi.json"}
ODD_PATHS = ("/nothing", "/v1/nothing", "/v2/nothing", "/collections", "/v1/files/../x", "/%00", "/docs/x")


@pytest.fixture
def app_routes(serve_with, monkeypatch):
    """The routes of the application, as it gives them to what lets requests in."""
    found = []

    class SeenAdmission(Admission):
        def __init__(self, app, *, routes, **parts):
            found.extend(routes)
            super().__init__(app, routes=routes, **parts)

    async def ask(served):
        await served.client.get("/health/live")

    with monkeypatch.context() as patch:
        patch.setattr("serve.http.app.Admission", SeenAdmission)
        serve_with(ask)
    return found


def fill(path):
    return re.sub(r"\{\w+\}", "x", path)


def test_who_is_unknown_gets_the_same_answer_whatever_they_ask_and_send(serve_with, app_routes):
    needs = list_needs(app_routes)
    asked = [
        (fill(path), method) for path, methods in needs.items() if path not in OPEN for method in methods
    ]
    asked += [(path, method) for path in ODD_PATHS for method in ("GET", "POST", "DELETE")]
    asked += [(fill(path), method) for path in needs if path not in OPEN for method in ("PATCH", "OPTIONS")]
    bodies = (b"", b"{", b'{"k": "x"}', b"[" * 100_000)

    async def ask(served):
        for number, (path, method) in enumerate(asked):
            answer = await served.client.request(
                method,
                path,
                params={"limit": "x", "doc_id": ""},
                content=bodies[number % len(bodies)],
                headers={"authorization": "Bearer wrong", "content-type": ("text/plain", "x/y")[number % 2]},
            )
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "/" not in answer.text.replace("problem+json", "")

    assert len(asked) > 60
    serve_with(ask)


def test_who_lacks_the_role_is_told_so_before_the_body_is_looked_at(serve_with, app_routes):
    needs = list_needs(app_routes)
    asked = [
        (path, method)
        for path, methods in needs.items()
        for method, need in methods.items()
        if need.action is not None
    ]

    async def ask(served):
        for path, method in asked:
            answer = await served.client.request(
                method, fill(path), content=b"{", headers={"authorization": "Bearer nothing"}
            )
            assert answer.status_code == 403, (method, path)
            action = str(needs[path][method].action)
            lacks = f"which the action '{action}' needs"
            assert method == "HEAD" or lacks in answer.text, (method, path)

    assert len(asked) > 30
    serve_with(ask)


def test_only_health_the_landing_page_and_the_description_are_for_everybody(app_routes):
    needs = list_needs(app_routes)
    assert {path for path, methods in needs.items() if None in {n.action for n in methods.values()}} == OPEN
    assert needs["/collections/{name}/search"]["POST"].action is Action.SEARCH
    assert needs["/v1/files"]["POST"].action is Action.INGEST
    assert needs["/metrics"]["HEAD"].action is Action.INSPECT


def test_a_route_that_is_asked_for_sentences_needs_a_role_that_may_ask():
    router = APIRouter()

    @router.post("/ask")
    async def ask(caller: Asking):
        return caller.principal.subject

    assert list_needs(router.routes)["/ask"]["POST"].action is Action.ASK


def test_head_is_get_without_the_body(serve_with):
    async def ask(served):
        headers = {"authorization": "Bearer reader"}
        for path in ("/health/live", "/v1/models", f"/collections/{served.collection}", "/openapi.json"):
            told = await served.client.get(path, headers=headers)
            bare = await served.client.head(path, headers=headers)
            assert (bare.status_code, bare.content) == (200, b"")
            assert bare.headers["content-type"] == told.headers["content-type"]
            assert bare.headers["content-length"] == told.headers["content-length"]

    serve_with(ask)


def test_other_methods_are_told_which_there_are(serve_with):
    async def ask(served):
        headers = {"authorization": "Bearer reader"}
        documents = f"/collections/{served.collection}/documents"
        for path, allowed in (
            (documents, "DELETE, GET, HEAD, OPTIONS, POST"),
            (PATH, "OPTIONS, POST"),
            ("/health/live", "GET, HEAD, OPTIONS"),
        ):
            told = await served.client.options(path, headers=headers)
            assert (told.status_code, told.content, told.headers["allow"]) == (204, b"", allowed)
            refused = await served.client.patch(path, headers=headers)
            assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
        assert (await served.client.options("/nothing", headers=headers)).status_code == 404
        assert (await served.client.head(PATH, headers=headers)).status_code == 405

    serve_with(ask)


@pytest.mark.parametrize("path", ["/v1/models/", "/collections/", "/health/live/", "//health/live"])
def test_nobody_is_sent_elsewhere(serve_with, path):
    async def ask(served):
        headers = {"authorization": "Bearer reader", "host": "evil.example", "x-forwarded-proto": "https"}
        answer = await served.client.get(path, headers=headers)
        assert answer.status_code == 404
        assert "location" not in answer.headers
        assert "evil" not in answer.text

    serve_with(ask)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("a_b-c.example:", 200),
        ("", 400),
        ("a b", 400),
        ("a/b", 400),
        ("user@host", 400),
        ("a,b", 400),
        ("[", 400),
        ("a:b", 400),
        ("[::1", 400),
        ("a:123456", 400),
        ("\xfc", 400),
    ],
)
def test_a_host_that_is_none_is_refused(serve_with, host, status):
    async def ask(served):
        answer = await served.client.get("/health/live", headers=[(b"host", host.encode("latin-1"))])
        assert answer.status_code == status

    serve_with(ask)


def test_a_host_comes_once(serve_with):
    async def ask(served):
        request = httpx.Request("GET", "http://a/health/live", headers=[("host", "a"), ("host", "a")])
        assert (await served.client.send(request)).status_code == 400

    serve_with(ask)


@pytest.mark.parametrize(
    ("shown", "credential"),
    [
        ([], ""),
        ([b""], ""),
        ([b"Bearer"], ""),
        ([b"Bearer key"], "key"),
        ([b"bearer  key "], "key"),
        ([b"Bearer a b"], "a b"),
        ([b"Bearer \xff"], "\xff"),
    ],
)
def test_a_credential_follows_bearer(shown, credential):
    assert read_credential([(b"authorization", value) for value in shown]) == credential


@pytest.mark.parametrize(
    "shown",
    [
        [b"Bearer a", b"Bearer a"],
        [b"Bearer a", b""],
        [b"", b"Bearer a"],
        [b"Basic dXNlcjpwYXNz"],
        [b"key"],
        "Bearer key".encode("utf-16"),
        [b"Bearer\tkey"],
    ],
)
def test_what_is_shown_twice_or_otherwise_is_refused(shown):
    values = shown if isinstance(shown, list) else [shown]
    with pytest.raises(AuthenticationError):
        read_credential([(b"authorization", value) for value in values])


def test_strangers_are_told_that_it_is_ready_and_no_more(serve_with):
    async def ask(served):
        for headers, names in (
            (
                {"authorization": "Bearer reader"},
                {"status", "snapshot", "wanted", "is_failing", "collections"},
            ),
            ({"authorization": "Bearer nothing"}, {"status"}),
            ({"authorization": "Bearer wrong"}, {"status"}),
            ({"authorization": "Basic x"}, {"status"}),
        ):
            answer = await served.client.get("/health/ready", headers=headers)
            assert (answer.status_code, set(answer.json())) == (200, names)

    serve_with(ask)


@pytest.mark.parametrize(
    "field", ["query", "k", "mode", "as_of", "filter", "ranking", "rerank", "explain", "cursor"]
)
def test_null_for_a_field_that_need_not_be_given_is_as_if_it_were_not(serve_with, field):
    async def ask(served):
        plain = {"query": "swap", "like": "" if field != "query" else None}
        answer = await served.client.post(PATH, json={**plain, field: None})
        bare = await served.client.post(
            PATH, json={name: value for name, value in plain.items() if name != field}
        )
        assert answer.status_code == bare.status_code
        assert answer.json().get("hits") == bare.json().get("hits")

    serve_with(ask)


@pytest.mark.parametrize(
    "body",
    [
        {"k": True},
        {"timeout_s": True},
        {"ranking": {"min_score": False}},
        {"ranking": {"boosts": {"text": True}}},
        {"cursor": base64.urlsafe_b64encode(b'{"snapshot": "a", "skip": 1e400, "question": "b"}').decode()},
        {"cursor": base64.urlsafe_b64encode(b"[" * 700).decode()},
        {"cursor": "\u00fc"},
        {"x" * 70_000: 1},
        {"filter": {"x" * 15_000: 1}},
        {f"field{number}": 1 for number in range(10_000)},
        {"mode": "x" * 70_000},
    ],
    ids=lambda body: str(body)[:40],
)
def test_odd_values_are_refused_in_short_answers(serve_with, body):
    async def ask(served):
        answer = await served.client.post(PATH, json={"query": "swap", "pages": 3, **body})
        assert answer.status_code in (400, 422)
        assert len(answer.content) < 4_000

    serve_with(ask)
