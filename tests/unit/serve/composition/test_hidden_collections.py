"""A caller who may see one collection cannot tell whether there are others: two servers answer them alike.

One server has that collection alone, the other has more, which somebody else uses meanwhile. Every route is
asked of both, by its own name, by the name of a hidden collection, and with what is the hidden one's.
"""

from __future__ import annotations

import asyncio
import re

import pytest

from eagleray.contracts.callers import Role
from eagleray.setting_groups.serving import ServeSettings
from serve.composition.features import choose_features
from tests.unit.serve.composition.conftest import Desk

SEEN, HIDDEN = "notes", "bonds"
QUESTION = {"query": "swap curve", "k": 3}
DOCUMENT = {"documents": [{"doc_id": "new", "text": "a zebra"}]}

CHAT = {"model": "extractive", "messages": [{"role": "user", "content": "swap"}]}
RESPONSE = {"model": "extractive", "input": "swap"}
TOOL_ARGUMENTS = {
    "search": {"query": "swap"},
    "fetch": {"doc_id": "doc-2"},
    "ask": {"question": "swap"},
    "table_lookup": {"label": "swap"},
}


def call_tool(name, **arguments):
    """Return the message that calls a tool of the Model Context Protocol."""
    params = {"name": name, "arguments": TOOL_ARGUMENTS.get(name, {}) | arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


BODIES = {
    "/mcp": call_tool("list_collections"),
    "/collections/{name}/search": QUESTION,
    "/collections/{name}/search/batch": {"questions": [QUESTION, QUESTION]},
    "/collections/{name}/ask": {"question": "swap", "mode": "lexical"},
    "/collections/{name}/facets": {"column": "source"},
    "/collections/{name}/documents": DOCUMENT,
    "/collections/{name}/aliases/{alias}/publish": {"snapshot": "live"},
    "/collections/{name}/aliases/{alias}/rollback": {},
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSE,
    "/v1/embeddings": {"model": "hashing", "input": "swap"},
    "/": {"inputs": "swap"},
    "/embed": {"inputs": "swap"},
    "/tokenize": {"inputs": "swap"},
    "/v2/rerank": {"model": "m", "query": "q", "documents": ["a"]},
    "/v1/rerank": {"model": "m", "query": "q", "documents": ["a"]},
    "/rerank": {"query": "q", "texts": ["a"]},
    "/v1/vector_stores": {"name": "a"},
    "/v1/vector_stores/{vector_store_id}": {"name": "b"},
    "/v1/vector_stores/{vector_store_id}/files": {"file_id": "file-1"},
    "/v1/vector_stores/{vector_store_id}/files/{file_id}": {"attributes": {}},
    "/v1/vector_stores/{vector_store_id}/file_batches": {"file_ids": ["file-1"]},
    "/v1/vector_stores/{vector_store_id}/search": {"query": "swap"},
}
QUERIES = {
    ("GET", "/collections/{name}/documents"): "?doc_id=doc-2",
    ("DELETE", "/collections/{name}/documents"): "?doc_id=new",
    ("GET", "/collections/{name}/differences"): "?before=live&after=live",
}
VOLATILE = re.compile(
    r"[0-9a-f]{64}|[0-9a-f]{32}|\b[0-9a-f]{12}\b|(file|vs|vsfb)[-_][0-9a-z]+|\d{4}-\d\d-\d\dT[\d:.]+Z|\d+\.\d+(e-\d+)?|\b\d{10}\b"
    r"|\"[a-z_]*(ms|_s)\": ?[\d.e-]+"
)
"""What is of a request or of a moment: ids, times, seconds."""


PASSING = {"content-length", "date", "x-request-id"}
"""Headers that are of one answer."""


def list_routes(readers="callers"):
    """Yield method and template of every route there is."""
    for feature in choose_features(ServeSettings(metrics=readers)):
        for router in feature.routers:
            for route in router.routes:
                yield from ((method, route.path) for method in sorted(route.methods))


def list_requests(foreign):
    """Return what is asked: every route, of either collection, and with what is the hidden one's."""
    made = []
    for method, template in list_routes():
        sent = BODIES.get(template) if method in ("POST", "PUT") else None
        for name in (SEEN, HIDDEN) if "{name}" in template else (SEEN,):
            path = template.replace("{name}", name).replace("{alias}", "live").replace("{model}", HIDDEN)
            path = path.replace("{snapshot}", foreign).replace("{run}", "0" * 16)
            path = re.sub(r"\{\w+\}", "file-1", path) + QUERIES.get((method, template), "")
            made.append((method, path, sent))
    of_seen = f"/collections/{SEEN}"
    made += [
        ("POST", f"{of_seen}/search", QUESTION | {"snapshot": foreign}),
        ("POST", f"{of_seen}/facets", {"column": "source", "snapshot": foreign}),
        ("POST", f"{of_seen}/ask", {"question": "swap", "snapshot": foreign}),
        *(
            ("POST", "/mcp", call_tool(name, collection=which))
            for name in TOOL_ARGUMENTS
            for which in (SEEN, HIDDEN)
        ),
        ("POST", "/v1/chat/completions", CHAT | {"collection": SEEN, "snapshot": foreign}),
        *(
            (
                "POST",
                "/v1/responses",
                RESPONSE | {"tools": [{"type": "file_search", "vector_store_ids": [name]}]},
            )
            for name in (HIDDEN, "vs_" + "0" * 32)
        ),
        ("POST", "/v1/responses", RESPONSE | {"snapshot": foreign}),
        ("POST", f"{of_seen}/aliases/live/publish", {"snapshot": foreign}),
        ("GET", f"{of_seen}/differences?before=live&after={foreign}", None),
        ("GET", f"{of_seen}/documents?doc_id=doc-2&snapshot={foreign}", None),
        ("OPTIONS", f"/collections/{HIDDEN}", None),
        ("HEAD", f"/collections/{HIDDEN}", None),
        ("PUT", f"/collections/{HIDDEN}/documents", None),
        ("POST", f"/collections/{HIDDEN}/search", {"query": 7}),
        ("GET", "/openapi.json", None),
        ("GET", "/metrics", None),
    ]
    return made


def strip(answer, own=HIDDEN):
    """Return all of an answer that may not differ: status, headers, text; no ids, times or lengths."""
    headers = {name: value for name, value in answer.headers.items() if name not in PASSING}
    headers = {name: VOLATILE.sub("*", value) for name, value in headers.items()}
    text = answer.text
    if answer.headers.get("content-type", "").startswith("text/plain"):  # metrics: which there are
        text = "\n".join(line.rpartition(" ")[0] for line in text.splitlines() if line[:1] != "#")
    return (
        answer.status_code,
        headers,
        VOLATILE.sub("*", re.sub(r'"(request_id|created)":"?[^,"}]+', "", text).replace(own, "NAME")),
    )


async def use(client, key, name):
    """Use a collection as somebody else does, so that there is something to be told of."""
    for method, path, sent in (
        ("POST", f"/collections/{name}/search", QUESTION),
        ("POST", f"/collections/{name}/documents", DOCUMENT),
        ("POST", "/v1/vector_stores", {"name": "theirs"}),
        ("POST", "/v1/files", None),
    ):
        await client.request(method, path, json=sent, headers=key | {"idempotency-key": "k-1"})


@pytest.mark.parametrize("default", [SEEN, HIDDEN])
@pytest.mark.parametrize("role", [Role.READER, Role.WRITER, Role.PUBLISHER, Role.ADMIN])
def test_every_route_answers_as_if_there_were_no_other_collection(tmp_path, default, role):
    worlds = {"one": (SEEN,), "many": (SEEN, HIDDEN, "swaps")}
    desks = {}
    for world, names in worlds.items():
        made = desks[world] = Desk(tmp_path / world, collections="*")
        made.settings = made.settings.model_copy(update={"collection": default})
        for seed, name in enumerate(names):
            made.publish(name, seed=seed)
    foreign = desks["many"].snapshots[HIDDEN]
    requests = list_requests(foreign)

    async def ask_all(made):
        async with made.serve() as client:
            key = made.make_key(SEEN, role=role, subject="ann") | {"idempotency-key": "k-1"}
            if HIDDEN in made.snapshots:
                await use(client, made.make_key(role=Role.ADMIN, subject="ann"), HIDDEN)
            told = [
                strip(await client.request(method, path, json=sent, headers=key))
                for method, path, sent in requests
            ]
            stranger = await client.get(f"/collections/{HIDDEN}")
            return told, strip(stranger), (await client.get("/health/ready")).text

    one, many = (asyncio.run(ask_all(desks[world])) for world in ("one", "many"))
    assert one[1:] == many[1:]
    for asked, alone, beside in zip(requests, one[0], many[0], strict=True):
        assert alone == beside, asked
    assert {status for status, _, _ in one[0]} > {200, 404}
    assert all(
        HIDDEN not in text
        for (_, path, _), (_, _, text) in zip(requests, many[0], strict=True)
        if HIDDEN not in path
    )


def test_a_body_is_known_for_every_route_that_takes_one():
    needed = {path for method, path in list_routes() if method == "POST"}
    exempt = {"/v1/files", "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel"}
    assert needed - set(BODIES) == exempt
