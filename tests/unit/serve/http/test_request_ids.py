"""Every answer carries the request's name; so do the problem, the events of the log and the record."""

from __future__ import annotations

import asyncio
import json

import pytest

from eagleray.logs import configure_logs, get_logger
from eagleray.setting_groups.serving import LogSettings
from serve.http.middleware.body_limit import MAX_BYTES
from serve.http.request_ids import HEADER, NamedByProxy, RequestIds, choose_request_id, read_request_id
from tests.unit.serve.http.conftest import PATH

NAMES = ["a", "Trace-7_b.c", "0" * 64]
STRANGE = ["", " ", "a b", "0" * 65, "a\tb", "a/b", "a;b", "é", '{"a":1}', "a\x00", "a:b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_name_is_taken_up(name):
    assert choose_request_id([(b"accept", b"*/*"), (b"x-request-id", name.encode())]) == name


@pytest.mark.parametrize("name", [*STRANGE, "a\n"], ids=ascii)
def test_another_name_is_replaced_by_a_plain_one(name):
    chosen = choose_request_id([(b"x-request-id", name.encode())])
    assert chosen != name
    assert choose_request_id([(b"x-request-id", chosen.encode())]) == chosen


def test_two_names_are_none():
    assert choose_request_id([(b"x-request-id", b"a"), (b"x-request-id", b"a")]) != "a"


@pytest.mark.parametrize(("given", "n_ours"), [(b"trace-7", 0), (b"a b", 1)])
def test_behind_a_proxy_that_writes_the_name_only_another_one_is_written(given, n_ours):
    told = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})

    async def keep(message):
        told.extend(message["headers"])

    scope = {"type": "http", "headers": [(HEADER.encode(), given)]}
    asyncio.run(NamedByProxy(RequestIds(app))(scope, None, keep))
    names = [value for name, value in told if name == HEADER.encode()]
    assert (len(names), given in names, (b"a", b"b") in told) == (n_ours, False, True)


def test_new_names_differ():
    assert len({choose_request_id([]) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("method", "path", "status", "more"),
    [
        ("GET", "/health/live", 200, {}),
        ("POST", PATH, 200, {"json": {"query": "swap"}}),
        ("POST", PATH, 422, {"json": {"k": "x"}}),
        ("POST", PATH, 400, {"json": {"query": "swap", "as_of": "yesterday"}}),
        ("POST", PATH, 413, {"content": b" " * (MAX_BYTES + 1)}),
        ("POST", PATH, 401, {"headers": {"authorization": "Bearer wrong"}}),
        ("GET", "/nothing", 404, {}),
        ("DELETE", PATH, 405, {}),
    ],
)
def test_every_answer_has_the_name_of_its_request(serve_with, method, path, status, more):
    async def ask(served):
        served.client.headers["x-request-id"] = "trace-7"
        named = await served.client.request(method, path, **more)
        del served.client.headers["x-request-id"]
        unnamed = await served.client.request(method, path, **more)
        assert named.status_code == unnamed.status_code == status
        assert named.headers.get_list("x-request-id") == ["trace-7"]
        assert len(unnamed.headers["x-request-id"]) == 32
        if status >= 400:
            assert named.json()["request_id"] == "trace-7"
            assert unnamed.json()["request_id"] == unnamed.headers["x-request-id"]

    serve_with(ask)
    assert read_request_id() == ""


def test_the_record_has_the_name(serve_with):
    async def ask(served):
        for name, body in (("good", {"query": "swap"}), ("bad", {"query": "swap", "filter": "nothing = 1"})):
            await served.client.post(PATH, json=body, headers={"x-request-id": name})
        assert [ended.request_id for ended in served.recorded] == ["good", "bad"]

    serve_with(ask)


def test_events_of_a_request_have_its_name_also_in_the_thread_that_searches(serve_with, monkeypatch, capsys):
    configure_logs(LogSettings(level="info", format="json"))

    def fail(engine, request, *, vector):
        get_logger().info("searching")
        raise ZeroDivisionError

    async def ask(served):
        lease = await served.watcher.lease()
        monkeypatch.setattr(type(lease.engine), "search", fail)
        lease.release()
        answer = await served.client.post(PATH, json={"query": "swap"}, headers={"x-request-id": "trace-7"})
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == "trace-7"
        await served.client.get("/collections/x/search", headers={"x-request-id": "trace-8"})
        await served.client.post(
            PATH, json={}, headers={"x-request-id": "trace-9", "authorization": "Bearer wrong"}
        )

    serve_with(ask)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    named = [(line["event"], line.get("request_id")) for line in told if line["event"] != "snapshot_taken"]
    assert named == [("searching", "trace-7"), ("request_failed", "trace-7"), ("caller_refused", "trace-9")]
