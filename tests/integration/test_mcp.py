"""Clients of the Model Context Protocol, of both of its SDK's generations, over both transports."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from serve.mcp.tools import TOOLS
from tests.integration.serving_process import run_small_server

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".clients"
SCRIPT = ROOT / "tests" / "clients" / "protocol" / "ask_mcp.py"
QUERY = "coupon of the 2029 notes"

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


@pytest.fixture(scope="module")
def served(cluster, tmp_path_factory):
    with run_small_server(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def wanted(served):
    """The documents that the search's own route finds."""
    answer = httpx2.post(
        f"{served.url}/collections/notes/search",
        json={"query": QUERY, "k": 2},
        headers={"authorization": f"Bearer {served.writer_key}"},
    )
    return [hit["doc_id"] for hit in answer.json()["hits"]]


def list_arguments(served):
    return ["-m", "eagleray", "mcp", "--store", served.store, "--collection", "notes"]


async def call_tools(transport, mode):
    async with Client(transport, mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        found = await client.call_tool("search", {"query": QUERY, "k": 2})
        assert json.loads(found.content[0].text) == found.structured_content
        refused = await client.call_tool("search", {"query": QUERY, "collection": "no-such"})
        assert refused.is_error
        told = [hit["doc_id"] for hit in found.structured_content["hits"]]
        return tools, told, client.protocol_version


@pytest.mark.parametrize(("mode", "revision"), [("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")])
@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_the_current_client_gets_what_the_routes_give(served, wanted, mode, revision, transport):
    async def ask():
        if transport == "stdio":
            server = StdioServerParameters(
                command=sys.executable, args=list_arguments(served), env=dict(os.environ)
            )
            return await call_tools(stdio_client(server), mode)
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {served.writer_key}"}) as http:
            return await call_tools(streamable_http_client(f"{served.url}/mcp", http_client=http), mode)

    assert asyncio.run(ask()) == ([tool.name for tool in TOOLS], wanted, revision)


@pytest.mark.skipif(
    not (CLIENTS / ".installed").exists(), reason="other projects' clients are not installed: make clients"
)
def test_the_client_of_before_gets_the_same_over_both_transports(served, wanted):
    given = {
        "url": served.url,
        "key": served.writer_key,
        "query": QUERY,
        "command": sys.executable,
        "arguments": list_arguments(served),
    }
    done = subprocess.run(
        [str(CLIENTS / "bin" / "python"), str(SCRIPT)],
        input=json.dumps(given),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for answers in (told["http"], told["stdio"]):
        assert answers["tools"] == [tool.name for tool in TOOLS]
        assert answers["found"] == wanted
        assert answers["told"] == answers["statements"]
        assert answers["refused"][0]
