"""The Model Context Protocol's SDK before version 2, over both transports."""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

given = json.load(sys.stdin)


async def call_tools(read, write):
    """Return the protocol's revision, the tools, and what search and a refused call return."""
    told = []

    async def take(progress, total, message):
        told.append(message)

    async with ClientSession(read, write) as session:
        begun = await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        found = await session.call_tool("search", {"query": given["query"], "k": 2})
        said = await session.call_tool("ask", {"question": given["query"]}, progress_callback=take)
        refused = await session.call_tool("search", {"query": given["query"], "collection": "no-such"})
    assert json.loads(found.content[0].text) == found.structuredContent
    return {
        "revision": begun.protocolVersion,
        "tools": tools,
        "found": [hit["doc_id"] for hit in found.structuredContent["hits"]],
        "statements": [one["text"] for one in said.structuredContent["statements"]],
        "told": told,
        "refused": [refused.isError, refused.content[0].text],
    }


async def ask_both():
    """Return what a server and a process of its own answer."""
    headers = {"authorization": f"Bearer {given['key']}"}
    async with (
        httpx.AsyncClient(headers=headers) as http,
        streamable_http_client(given["url"] + "/mcp", http_client=http) as (read, write, _),
    ):
        over_http = await call_tools(read, write)
    server = StdioServerParameters(command=given["command"], args=given["arguments"])
    async with stdio_client(server) as (read, write):
        return {"http": over_http, "stdio": await call_tools(read, write)}


json.dump(asyncio.run(ask_both()), sys.stdout)
