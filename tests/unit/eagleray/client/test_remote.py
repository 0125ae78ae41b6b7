"""When requests are tried again, what errors become, and where a key may go; clocks are made up."""

from __future__ import annotations

import json
import pickle

import httpx
import pytest

import eagleray
from eagleray.client import RemoteCollection
from eagleray.client.conversation import Failure, FailureKind, Reply, Retrying, read_retry_after
from eagleray.client.endpoints import read_endpoint
from eagleray.client.retrying import RetryBudget
from eagleray.client.transports import HttpTransport
from eagleray.contracts.problems import name_problem, show_fields
from eagleray.errors import (
    DeadlineError,
    InputError,
    OverloadedError,
    QueryError,
    ServerError,
    StoreError,
    UnreachableError,
)

KEY = "er_secret-words"
URL = "http://127.0.0.1:8000"
EXPLANATION = {
    "snapshot": "5" * 64,
    "as_of": None,
    "is_exact": True,
    "segments": [],
    "document_frequencies": {},
    "n_visible": 0,
    "average_length": 0.0,
    "timings_ms": {},
    "reranking": None,
}
ANSWER = Reply(status=200, headers={}, content=json.dumps({"hits": [], "explanation": EXPLANATION}).encode())
REFUSED = Failure(kind=FailureKind.UNANSWERED, detail="connection refused")


def make_reply(error, status, **headers):
    problem = {
        "type": name_problem(type(error).__name__),
        "detail": str(error),
        "fields": show_fields(error),
    }
    return Reply(status=status, headers=headers, content=json.dumps(problem).encode())


BUSY = make_reply(OverloadedError(waiting=64, retry_after_s=2.0), 429, **{"retry-after": "2"})
STORE = make_reply(StoreError(path="notes/a", detail="gone"), 503)


class Server:
    """Gives what it was told to, and keeps the time that passes."""

    def __init__(self, *came, cost_s=0.0):
        self.came, self.cost_s, self.now, self.posts, self.pauses = list(came), cost_s, 0.0, [], []

    def send(self, post):
        self.posts.append(post)
        self.now += self.cost_s
        return self.came.pop(0) if len(self.came) > 1 else self.came[0]

    def sleep(self, pause_s):
        self.pauses.append(pause_s)
        self.now += pause_s

    def close(self):
        pass


def make_client(server, *, url=URL, key=KEY, **options):
    endpoint = read_endpoint(url, collection="notes", api_key=key, allow_http=False)
    retrying = Retrying(clock=lambda: server.now, draw=lambda: 0.5, **options)
    return RemoteCollection(endpoint, server, retrying=retrying, sleep=server.sleep)


def test_what_may_be_tried_again_is_until_it_is_answered():
    server = Server(REFUSED, STORE, BUSY, ANSWER)
    assert make_client(server).search("swap").explanation.snapshot == "5" * 64
    assert server.pauses == [0.05, 0.1, 2.2]
    left = [json.loads(post.body)["timeout_s"] for post in server.posts]
    assert left == [post.timeout_s for post in server.posts] == pytest.approx([30.0, 29.95, 29.85, 27.65])


@pytest.mark.parametrize(
    ("came", "kind"), [(REFUSED, UnreachableError), (STORE, StoreError), (BUSY, OverloadedError)]
)
def test_a_call_ends_with_the_last_error_after_four_requests(came, kind):
    server = Server(came)
    with pytest.raises(kind) as caught:
        make_client(server).search("swap")
    assert len(server.posts) == 4
    assert type(caught.value) is kind
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("came", "kind", "words"),
    [
        (Failure(kind=FailureKind.TIMED_OUT, detail=""), DeadlineError, "30.0 s"),
        (Failure(kind=FailureKind.BROKEN, detail="cut"), UnreachableError, f"{URL}: cut"),
        (make_reply(DeadlineError(timeout_s=3.0), 504), DeadlineError, "3.0 s"),
        (make_reply(QueryError(detail="{odd} words"), 400), QueryError, "{odd} words"),
        (Reply(status=500, headers={}, content=b"<html>"), ServerError, "HTTP 500"),
        (Reply(status=302, headers={}, content=b""), ServerError, "HTTP 302"),
        (Reply(status=200, headers={}, content=b"{}"), ServerError, "another version"),
        (Reply(status=200, headers={}, content=b"\xff"), ServerError, "another version"),
        (Reply(status=502, headers={}, content=b"bad gateway"), UnreachableError, "HTTP 502"),
        (Reply(status=429, headers={"retry-after": "soon"}, content=b""), ServerError, "HTTP 429"),
    ],
)
def test_everything_else_is_asked_once(came, kind, words):
    server = Server(came)
    with pytest.raises(kind) as caught:
        make_client(server).search("swap")
    assert words in str(caught.value)
    assert (len(server.posts), server.pauses) == (1, [])


def test_no_pause_goes_beyond_the_deadline():
    server = Server(BUSY, cost_s=1.0)
    with pytest.raises(OverloadedError):
        make_client(server).search("swap", timeout_s=3.0)
    assert (len(server.posts), server.pauses, server.now) == (1, [], 1.0)


def test_retries_of_all_calls_share_a_budget_that_answers_refill():
    budget = RetryBudget(size=2.0, share=0.5)
    failing, fine = Server(REFUSED), Server(ANSWER)
    client = make_client(failing, budget=budget)
    for _ in range(3):
        with pytest.raises(UnreachableError):
            client.search("swap")
    assert [len(failing.posts), len(failing.pauses)] == [5, 2]
    for _ in range(2):
        make_client(fine, budget=budget).search("swap")
    assert [budget.take(), budget.take()] == [True, False]


def test_a_date_to_come_again_is_taken_against_the_servers_own_clock():
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert read_retry_after(headers) == 30.0
    assert read_retry_after({"retry-after": headers["retry-after"]}) is None
    assert read_retry_after({}) == 0.0


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_that_is_no_time_is_refused(timeout_s):
    server = Server(ANSWER)
    with pytest.raises(QueryError, match="timeout_s"):
        make_client(server).search("swap", timeout_s=timeout_s)
    assert server.posts == []


@pytest.mark.parametrize(
    "url",
    [
        "http://search.example",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example",
        "http://127.0.0.1@search.example",
        "http://2130706433",
    ],
)
def test_a_key_does_not_go_over_plain_http_to_another_machine(url):
    with pytest.raises(InputError) as caught:
        read_endpoint(url, collection="notes", api_key=KEY, allow_http=False)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", [URL, "http://localhost", "http://[::1]:80", "https://search.example/a/"])
def test_a_key_goes_over_tls_and_to_loopback(url):
    endpoint = read_endpoint(url, collection="a b/c", api_key=KEY, allow_http=False)
    assert endpoint.collection_url.endswith("/collections/a%20b%2Fc")
    assert endpoint.make_headers()["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "url", ["", "notes", "ftp://a", "http://", "https://u:p@a", "https://a?k=1", "https://a:b"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InputError):
        read_endpoint(url, collection="notes", api_key="", allow_http=True)


def test_a_key_that_no_header_can_hold_is_refused_without_showing_it():
    with pytest.raises(InputError) as caught:
        read_endpoint(URL, collection="notes", api_key=KEY + "\n", allow_http=False)
    assert KEY not in str(caught.value)


def test_the_key_is_shown_nowhere(caplog):
    caplog.set_level("DEBUG")

    def refuse(request):
        assert request.headers["authorization"] == f"Bearer {KEY}"
        raise httpx.ConnectError("refused")

    endpoint = read_endpoint(URL, collection="notes", api_key=KEY, allow_http=False)
    transport = HttpTransport(endpoint, http=httpx.MockTransport(refuse))
    with RemoteCollection(endpoint, transport, sleep=lambda _: None) as client:
        with pytest.raises(UnreachableError) as caught:
            client.search("swap")
        assert str(caught.value) == f"no answer from {URL}: refused"
        shown = [repr(client), repr(endpoint), repr(transport), repr(caught.value), caplog.text]
    assert repr(client) == f"<RemoteCollection 'notes' at {URL}>"
    assert [text for text in shown if "secret" in text] == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), FailureKind.UNANSWERED),
        (httpx.RemoteProtocolError("disconnected"), FailureKind.UNANSWERED),
        (httpx.ReadError("reset"), FailureKind.UNANSWERED),
        (httpx.ReadTimeout("late"), FailureKind.TIMED_OUT),
        (httpx.ProxyError("no"), FailureKind.BROKEN),
    ],
)
def test_what_broke_before_an_answer_began_is_told_from_the_rest(error, kind):
    def fail(request):
        raise error

    endpoint = read_endpoint(URL, collection="notes", api_key="", allow_http=False)
    transport = HttpTransport(endpoint, http=httpx.MockTransport(fail))
    server = Server(ANSWER)
    make_client(server).search("swap")
    assert transport.send(server.posts[0]).kind is kind
    transport.close()


def test_connecting_takes_key_and_collection_from_the_settings(monkeypatch):
    monkeypatch.setenv("EAGLERAY_API_KEY", KEY)
    monkeypatch.setenv("EAGLERAY_COLLECTION", "desk")
    with eagleray.connect(URL) as client:
        assert client.name == "desk"
    with pytest.raises(InputError, match="plain HTTP"):
        eagleray.connect("http://search.example")
