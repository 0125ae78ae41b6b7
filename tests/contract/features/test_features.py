"""A feature is added to a server from outside: its route, what that is given, what ends with the server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter

from eagleray.contracts.audits import AuditQuery
from eagleray.errors import InputError, NotPublishedError
from eagleray.setting_groups.serving import AuthSettings
from serve.audit.service import LocalAuditService
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
SAME_PARTS = replace(TOY, routers=())
SAME_KINDS = replace(toy_tellings.TOY, routers=(), parts=int, open=lambda server: nullcontext(0))
TELLS = f"{toy_tellings.__name__}:TOY"


def name_features(settings, *names):
    """Return settings that name features of this module, and others with their module."""
    words = [name if ":" in name else f"{__name__}:{name}" for name in names]
    serve = settings.serve.model_copy(update={"features": " ".join(words)})
    return settings.model_copy(update={"serve": serve})


def open_toy_server(settings):
    """Open a server in this process, for whoever asks."""
    settings = settings.model_copy(update={"auth": AuthSettings(is_development=True)})
    return open_local_server(settings, alias="live", host="127.0.0.1")


def connect(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


def test_a_toy_is_served_beside_all_others_and_ends_with_the_server_before_its_collections(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    LOG.clear()

    async def body():
        opening = open_toy_server(name_features(settings, "TOY"))
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
    settings = name_features(publish_hashed(tmp_path)[0], TELLS)

    async def body():
        async with open_toy_server(settings) as app, connect(app) as client:
            told = await client.get("/collections/notes/tellings/whole")
            assert (told.status_code, told.text.count("data: ")) == (200, toy_tellings.N_PIECES + 1)
            assert (await client.get("/collections/none/tellings/whole")).status_code == 404

    asyncio.run(body())
    audit = LocalAuditService(settings)
    shown = list(audit.show(AuditQuery(action="telling")))
    assert [(row["status"], len(row["hits"])) for row in shown] == [("begun", 0), ("ok", 5)]
    assert audit.verify(heads="")["findings"] == []


def test_what_no_setting_names_is_not_served(tmp_path):
    settings, _ = publish_hashed(tmp_path)

    async def body():
        async with open_toy_server(settings) as app, connect(app) as client:
            assert (await client.get("/greeting")).status_code == 404
            assert (await client.get("/collections")).status_code == 200

    asyncio.run(body())


def test_two_features_that_give_the_same_are_refused_and_all_is_closed(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    LOG.clear()

    async def body():
        with pytest.raises(InputError, match="two features give GreetingParts"):
            async with open_toy_server(name_features(settings, "TOY", "SAME_PARTS")):
                pass

    asyncio.run(body())
    assert ["opened over notes", f"closed while {snapshot} answers"] == LOG


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["no.such:TOY"], "'no.such:TOY' cannot be imported .*; install its package"),
        (["LOG"], "EAGLERAY_SERVE__FEATURES: expected a Feature, found '.*:LOG'"),
        (["TOY", "TOY"], "'.*:TOY' has the route GET /greeting, which is served already; name each"),
        ([TELLS, "SAME_KINDS"], "that no two kinds have, found twice: Telling, telling$"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_to_do_by_the_commands_of_the_log_too(
    tmp_path, names, expected
):
    settings = name_features(publish_hashed(tmp_path)[0], *names)

    async def body():
        with pytest.raises(InputError, match=expected):
            async with open_toy_server(settings):
                pass

    asyncio.run(body())
    audit = LocalAuditService(settings)
    if names != ["TOY", "TOY"]:  # which have no kinds of requests, and no routes in the log
        with pytest.raises(InputError, match=expected):
            list(audit.show(AuditQuery(action="telling")))
    with pytest.raises(NotPublishedError, match="no audit log"):  # features are nothing to it
        audit.verify(heads="")
