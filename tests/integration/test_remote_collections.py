"""An ingress over a searcher, an encoder and a writer in one loop: collections with different readers."""

from __future__ import annotations

import asyncio
import warnings

import httpx
import pytest

from eagleray.contracts.callers import Role
from tests.integration.test_merging import Handle
from tests.unit.serve.composition.conftest import Desk
from tests.waiting import ask_until

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Ray Serve imports is deprecated elsewhere
    from serve.deployments import ingress
    from serve.deployments.arguments import Arguments
    from serve.deployments.model_replicas import TextEncoder
    from serve.deployments.searcher import SearcherReplica
    from serve.deployments.shard import SegmentShard
    from serve.deployments.writer import CollectionWriter

QUESTION = {"query": "swap curve", "k": 3}


class BroadcastHandle(Handle):
    """Calls all replicas, of which there is one."""

    def broadcast(self, name, *args):
        asked = self._call(name, args)

        class Told:
            async def results_async(self, **_):
                return [await asked]

        return Told()


async def run_ingress(desk, body, *, shards=1):
    """Run a coroutine over a client of an ingress that serves all collections of a desk."""
    arguments = Arguments(store=desk.settings.store, collection="notes", collections="*", shards=shards)
    handles = []
    if shards > 1:
        groups = [SegmentShard(arguments, group) for group in range(shards)]
        for group in groups:
            await group.check_health()
        handles = [Handle(group) for group in groups]
    searcher = SearcherReplica(arguments, *handles)
    await searcher.check_health()
    made = ingress.Ingress(
        arguments,
        searcher=BroadcastHandle(searcher),
        encoder=BroadcastHandle(TextEncoder(arguments)),
        writer=BroadcastHandle(CollectionWriter(arguments)),
    )
    transport = httpx.ASGITransport(await made.__serve_build_asgi_app__())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
        await body(client)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(ingress, "find_host", lambda: "127.0.0.1")
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    monkeypatch.setenv("EAGLERAY_AUTH__API_KEYS", "true")
    monkeypatch.setenv("EAGLERAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EAGLERAY_SERVE__WRITE_NICENESS", "0")  # the replica is in the tests' process
    made = Desk(tmp_path)
    for seed, name in enumerate(("notes", "bonds")):
        made.publish(name, seed=seed)
    return made


async def search(client, name, key):
    return await client.post(f"/collections/{name}/search", json=QUESTION, headers=key)


async def list_names(client, key):
    shown = (await client.get("/collections", headers=key)).json()["collections"]
    return [one["name"] for one in shown]


@pytest.mark.parametrize("shards", [1, 2])
def test_each_is_answered_to_its_own_readers_and_a_third_is_found_while_it_runs(desk, shards):
    keys = {name: desk.make_key(name) for name in ("notes", "bonds", "swaps")}
    everybody, writer = desk.make_key(), desk.make_key("swaps", role=Role.WRITER)

    async def body(client):
        for name, other in (("notes", "bonds"), ("bonds", "notes")):
            found = await search(client, name, keys[name])
            assert (found.status_code, found.json()["snapshot"]) == (200, desk.snapshots[name]), found.text
            assert await list_names(client, keys[name]) == [name]
            hidden, missing = [(await search(client, one, keys[name])).json() for one in (other, "nothing")]
            assert (hidden["status"], missing["status"]) == (404, 404)
            assert hidden["detail"].replace(other, "") == missing["detail"].replace("nothing", "")
        desk.publish("swaps", seed=9)
        found = await ask_until(
            lambda: search(client, "swaps", keys["swaps"]), lambda answer: answer.status_code != 404
        )
        assert (found.status_code, found.json()["snapshot"]) == (200, desk.snapshots["swaps"]), found.text
        assert await list_names(client, everybody) == ["notes", "bonds", "swaps"]
        sent = {"documents": [{"doc_id": "new", "text": "a zebra"}]}
        wrote = await client.post("/collections/swaps/documents", json=sent, headers=writer)
        assert (wrote.status_code, wrote.json()["is_searchable"]) == (200, True), wrote.text
        assert (await client.get("/health/ready")).status_code == 200

    asyncio.run(run_ingress(desk, body, shards=shards))


def test_metrics_tell_what_waits_in_all_replicas(desk):
    async def ask(client):
        shown = await client.get("/metrics", headers=desk.make_key(role=Role.PUBLISHER))
        told = dict(
            line.removeprefix("eagleray_queue_processes").split(" ")
            for line in shown.text.splitlines()
            if line.startswith("eagleray_queue_processes{")
        )
        queues = ("search", "search_embedding", "passage_embedding", "question_embedding", "writing")
        assert told == {f'{{queue="{queue}"}}': "1.0" for queue in queues}

    asyncio.run(run_ingress(desk, ask))
