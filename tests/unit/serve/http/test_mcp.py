from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from serve.agents.pipelines import WITHOUT_MODEL
from serve.audit.request_entries import EndedRequest, record_request
from tests.small_collections import SPEC

NAMES = ["list_collections", "search", "fetch", "ask", "table_lookup"]


@asynccontextmanager
async def connect(served, key="", mode="auto"):
    """Open the SDK's client of the application, in process."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    transport = httpx2.ASGITransport(app=served.app)
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client("http://test/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def list_entries(served):
    return [
        record_request(item, questions="text") if isinstance(item, EndedRequest) else item
        for item in served.recorded
    ]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_tools_say_what_they_take_and_give(serve_with, mode):
    async def compare(served):
        async with connect(served, mode=mode) as client:
            tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == NAMES
        for tool in tools:
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema["type"] == "object"

    serve_with(compare)


async def call(client, name, **arguments):
    """Return the result of a tool; its text is the same JSON."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_tool_answers_as_the_route_that_asks_the_same_and_leaves_its_record(serve_with, mode):
    async def compare(served):
        searched = (await served.search(query="swap bond", k=3)).json()
        shown = (await served.client.get(f"/collections/{SPEC.name}/documents?doc_id=doc-2")).json()
        body = {"question": "swap bond"}
        answered = (await served.client.post(f"/collections/{SPEC.name}/ask", json=body)).json()
        served.recorded.clear()
        async with connect(served, mode=mode) as client:
            listed = await call(client, "list_collections")
            assert [one["name"] for one in listed["collections"]] == [SPEC.name]
            found = await call(client, "search", query="swap bond", k=3)
            assert found["snapshot"] == searched["snapshot"]
            for hit, wanted in zip(found["hits"], searched["hits"], strict=True):
                assert hit == {name: wanted[name] for name in hit}
            read = await call(client, "fetch", doc_id="doc-2", collection=SPEC.name)
            assert read == {name: shown[name] for name in read}
            said = await call(client, "ask", question="swap bond")
            assert said["text"] == answered["text"]
            assert [one["quotation"] for one in said["citations"]] == [
                one["quotation"] for one in answered["citations"]
            ]
            await call(client, "table_lookup", label="swap")
        assert [entry.status for entry in list_entries(served)] == ["ok", "ok", "begun", "ok", "ok"]

    serve_with(compare, groups=("rates", "credit", "desk"))


def test_statements_of_an_answer_are_told_as_progress(serve_with):
    async def compare(served):
        told = []

        async def take(progress, total, message):
            told.append((progress, message))

        async with connect(served) as client:
            arguments = {"question": "swap bond", "max_citations": 3}
            result = await client.call_tool("ask", arguments, progress_callback=take)
        statements = result.structured_content["statements"]
        assert told == [(n + 1, one["text"]) for n, one in enumerate(statements)]
        assert told

    serve_with(compare)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("search", {"query": "swap", "collection": "bonds"}, "there is no such collection here"),
        ("search", {}, "query"),
        ("search", {"query": "swap", "k": 51}, "k: "),
        ("search", {"query": "swap", "groups": ["rates"]}, "groups"),
        ("search", {"query": "swap", "as_of": "yesterday"}, "yesterday"),
        ("search", {"query": "swap", "filter": "nothing = 1"}, "nothing"),
        ("search", {"query": "swap", "snapshot": "0" * 64}, "000000"),
        ("fetch", {"doc_id": "no-such"}, "no-such"),
        ("ask", {"question": "swap", "pipeline": "extractiv"}, "extractiv"),
    ],
)
def test_what_cannot_be_answered_is_told_to_the_model(serve_with, name, arguments, told):
    async def compare(served):
        async with connect(served) as client:
            result = await client.call_tool(name, arguments)
        assert result.is_error
        assert told in result.content[0].text
        assert result.structured_content is None

    serve_with(compare)


def test_the_key_of_each_request_decides_what_is_seen(serve_with):
    async def compare(served):
        async with connect(served, "zoned") as client:
            zones = {hit["doc_id"] for hit in (await call(client, "search", query="swap", k=50))["hits"]}
        async with connect(served) as client:
            everything = {hit["doc_id"] for hit in (await call(client, "search", query="swap", k=50))["hits"]}
        assert zones < everything

    serve_with(compare, groups=("rates", "credit", "desk"))


async def post(served, body, **headers):
    accept = "application/json, text/event-stream"
    given = {"accept": accept, "content-type": "application/json"} | headers
    return await served.client.post("/mcp", content=body, headers=given)


def make_call(tool="search", **arguments):
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}', 400),
        ("[" * 100_000, 400),
        ('"' + "x" * (1 << 20) + '"', 413),
    ],
)
def test_what_is_no_message_is_refused(serve_with, body, status):
    async def compare(served):
        assert (await post(served, body)).status_code == status
        assert not served.recorded

    serve_with(compare)


def test_a_notification_is_taken_without_a_body_or_a_type_of_one(serve_with):
    async def compare(served):
        answer = await post(served, '{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        assert (answer.status_code, answer.content) == (202, b"")
        assert "content-type" not in answer.headers

    serve_with(compare)


def test_callers_without_a_role_or_unknown_are_refused_before_a_message_is_read(serve_with):
    async def compare(served):
        for key, status in (("writer", 403), ("nothing", 403), ("unknown", 401)):
            answer = await post(served, "{", authorization=f"Bearer {key}")
            assert answer.status_code == status
        for method in ("GET", "DELETE"):
            assert (await served.client.request(method, "/mcp")).status_code == 405

    serve_with(compare)


class SlowPipeline:
    """Gives a statement, then waits until it is ended."""

    name = "slow"

    def __init__(self, inner):
        self._inner, self.is_begun, self.is_ended = inner, asyncio.Event(), asyncio.Event()

    async def answer(self, request, searcher):
        try:
            async for part in self._inner.answer(request, searcher):
                yield part
                self.is_begun.set()
                await asyncio.Event().wait()
        finally:
            self.is_ended.set()


@pytest.mark.parametrize("revision", ["2025-06-18", "2026-07-28"])
def test_a_call_whose_request_is_closed_ends_and_is_recorded_as_cancelled(serve_with, revision):
    (inner,) = WITHOUT_MODEL
    slow = SlowPipeline(inner)
    meta = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "ask", "arguments": {"question": "swap bond", "pipeline": "slow"}, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    routing = [(b"mcp-method", b"tools/call"), (b"mcp-name", b"ask")]
    headers = [
        (b"host", b"test"),
        (b"accept", b"application/json, text/event-stream"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"mcp-protocol-version", revision.encode()),
        *routing,
    ]

    async def compare(served):
        sent = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive():
            message = next(sent, None)
            if message is None:
                await slow.is_begun.wait()
                return {"type": "http.disconnect"}
            return message

        async def send(_):
            """Take what is given."""

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        async with asyncio.timeout(20):
            await served.app(scope, receive, send)
            await slow.is_ended.wait()
        await served.uncancellable.close()
        assert [entry.status for entry in list_entries(served)] == ["begun", "cancelled"]

    serve_with(compare, pipelines=(inner, slow))
