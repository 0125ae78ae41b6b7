"""A feature is added to a server from outside: its route, what that is given, what ends with the server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter

from eagleray.contracts.audits import AuditQuery
from eagleray.setting_groups.serving import AuthSettings
from serve.audit.kinds import KINDS
from serve.audit.service import LocalAuditService
from serve.composition.features import choose_features
from serve.composition.server import open_local_server
from serve.http.access import Searching
from serve.http.feature import Feature, given
from serve.http.serving import ServedCollections
from tests.contract.features import toy_tellings
from tests.hashing_collections import publish_hashed

LOG = []


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetingParts:
    """What the toy's route is given."""

    collections: ServedCollections
    words: list[str]


router = APIRouter()


@router.get("/greeting")
async def greet(
    caller: Searching, parts: Annotated[GreetingParts, given(GreetingParts)]
) -> dict[str, object]:
    """Greet who asks, with the collections that are there for them."""
    seen = [found.name for found in parts.collections.list_seen(caller)]
    return {"words": [*parts.words, caller.principal.subject], "collections": seen}


@asynccontextmanager
async def open_greeting(server):
    """Give the toy's part, and say when it begins and ends."""
    LOG.append(f"opened over {server.collections.default.name}")
    try:
        yield GreetingParts(collections=server.collections, words=["hello"])
    finally:
        LOG.append(f"closed while {server.collections.default.watcher.state.snapshot} answers")


TOY = Feature(routers=(router,), parts=GreetingParts, open=open_greeting)


def open_toy_server(settings, features):
    """Open a server of some features in this process, for whoever asks."""
    settings = settings.model_copy(update={"auth": AuthSettings(is_development=True)})
    return open_local_server(settings, alias="live", host="127.0.0.1", features=features)


def connect(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def test_a_toy_is_served_beside_all_others_and_ends_with_the_server_before_its_collections(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    LOG.clear()

    async def body():
        opening = open_toy_server(settings, (*choose_features("callers"), TOY))
        async with opening as app, connect(app) as client:
            assert (await client.get("/greeting")).json() == {
                "words": ["hello", "development"],
                "collections": ["notes"],
            }
            found = await client.post("/collections/notes/search", json={"query": "swap curve", "k": 1})
            assert (found.status_code, found.json()["snapshot"]) == (200, snapshot)
            assert "/greeting" in (await client.get("/openapi.json")).json()["paths"]
        assert ["opened over notes", f"closed while {snapshot} answers"] == LOG

    asyncio.run(body())


def test_a_toy_that_streams_is_recorded_as_its_own_kind_in_the_log_of_its_collection(tmp_path):
    settings, _ = publish_hashed(tmp_path)

    async def body():
        opening = open_toy_server(settings, toy_tellings.choose_with_toy("off"))
        async with opening as app, connect(app) as client:
            told = await client.get("/collections/notes/tellings/whole")
            assert (told.status_code, told.text.count("data: ")) == (200, toy_tellings.N_PIECES + 1)
            assert (await client.get("/collections/none/tellings/whole")).status_code == 404

    asyncio.run(body())
    audit = LocalAuditService(settings, KINDS.extend(toy_tellings.TELLING))
    shown = list(audit.show(AuditQuery(action="telling")))
    assert [(row["status"], len(row["hits"])) for row in shown] == [("begun", 0), ("ok", 5)]
    assert audit.verify(heads="")["findings"] == []


def test_what_is_not_listed_is_not_served(tmp_path):
    settings, _ = publish_hashed(tmp_path)

    async def body():
        async with open_toy_server(settings, (TOY,)) as app, connect(app) as client:
            assert (await client.get("/greeting")).status_code == 200
            assert (await client.get("/collections")).status_code == 404

    asyncio.run(body())


def test_two_features_that_give_the_same_are_refused_and_all_is_closed(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    LOG.clear()

    async def body():
        with pytest.raises(ValueError, match="GreetingParts"):
            async with open_toy_server(settings, (TOY, replace(TOY, routers=()))):
                pass

    asyncio.run(body())
    assert ["opened over notes", f"closed while {snapshot} answers"] == LOG
