"""Many collections of one server: each its own, and to whoever may not see one it is not there."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from functools import partial

import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.callers import Role
from eagleray.contracts.collections import Collection
from eagleray.errors import InputError, NotPublishedError
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from serve.audit.service import LocalAuditService
from serve.composition.stored_collections import for_collection
from tests.hashing_collections import HASHED, publish
from tests.waiting import ask_until

QUESTION = {"query": "swap curve", "k": 3}
READS = (
    ("GET", "/collections/{}", None),
    ("POST", "/collections/{}/search", QUESTION),
    ("POST", "/collections/{}/search/batch", {"questions": [QUESTION]}),
    ("POST", "/collections/{}/facets", {"column": "source"}),
    ("GET", "/collections/{}/documents?doc_id=doc-2", None),
)
OPERATIONS = (
    ("GET", "/collections/{}/snapshots", None),
    ("GET", "/collections/{}/snapshots/live", None),
    ("GET", "/collections/{}/aliases", None),
    ("GET", "/collections/{}/aliases/live", None),
    ("GET", "/collections/{}/differences?before=live&after=live", None),
    ("GET", "/collections/{}/runs", None),
    ("POST", "/collections/{}/aliases/live/rollback", {}),
    ("POST", "/collections/{}/aliases/live/publish", {"snapshot": "live"}),
)
WRITES = (
    ("POST", "/collections/{}/documents", {"documents": [{"doc_id": "a", "text": "swap"}]}),
    ("DELETE", "/collections/{}/documents?doc_id=a", None),
    ("GET", "/collections/{}/dead-letters", None),
)


async def ask(client, key, method, path, body=None):
    return await client.request(method, path, json=body, headers=key)


async def search(client, name, key, **more):
    return await ask(client, key, "POST", f"/collections/{name}/search", QUESTION | more)


async def list_names(client, key):
    shown = (await ask(client, key, "GET", "/collections")).json()["collections"]
    return [one["name"] for one in shown]


def strip(answer):
    """Return an answer without what is of the request alone."""
    named = re.sub(r"collections/[a-z]+|[a-z]+: there is no such", "", answer.text)
    named = re.sub(r'"name": ?"[a-z]+"|"request_id": ?"[^"]+"', "", named)
    return answer.status_code, named


def test_each_collection_answers_with_its_own_snapshot_and_records_it_in_its_own_log(desk):
    made = desk("notes", "bonds", "swaps", collections="bonds")
    key = made.make_key()

    async def body():
        async with made.serve() as client:
            for name in ("notes", "bonds"):
                found = (await search(client, name, key)).json()
                assert found["snapshot"] == made.snapshots[name]
                assert len(found["hits"]) == 3
            assert await list_names(client, key) == ["notes", "bonds"]
            assert (await search(client, "swaps", key)).status_code == 404  # of the store, and not served
            other = await search(client, "notes", key, snapshot=made.snapshots["bonds"])
            assert other.status_code == 404

    asyncio.run(body())
    for name, n_asked in (("notes", 2), ("bonds", 1)):
        audit = LocalAuditService(for_collection(made.settings, name))
        assert len(list(audit.show(AuditQuery(action="search")))) == n_asked
        assert audit.verify(heads="")["findings"] == []


def test_to_whoever_may_not_see_a_collection_it_is_as_one_that_does_not_exist(desk):
    made = desk("notes", "bonds", collections="bonds")
    cases = (
        (made.make_key("notes"), READS),
        (made.make_key("notes", role=Role.PUBLISHER), OPERATIONS),
        (made.make_key("notes", role=Role.WRITER), WRITES),
    )

    async def body():
        async with made.serve() as client:
            for key, requests in cases:
                assert await list_names(client, key) == ["notes"]
                for method, path, sent in requests:
                    hidden = await ask(client, key, method, path.format("bonds"), sent)
                    missing = await ask(client, key, method, path.format("nothing"), sent)
                    assert hidden.status_code == 404, (path, hidden.text)
                    assert strip(hidden) == strip(missing), path
            ready = (await ask(client, cases[0][0], "GET", "/health/ready")).json()
            assert [one["name"] for one in ready["collections"]] == ["notes"]
            for key, is_told in ((cases[0][0], False), (made.make_key(), True)):
                metrics = await ask(client, key, "GET", "/metrics")
                assert (metrics.status_code, "bonds" in metrics.text) == (200, is_told)
            assert "bonds" not in (await client.get("/health/ready")).text

    asyncio.run(body())


def test_a_collection_that_is_published_while_all_are_served_is_found(desk):
    made = desk("notes", "bonds", collections="*")
    everybody, some = made.make_key(), made.make_key("swaps")

    async def body():
        async with made.serve() as client:
            assert await list_names(client, everybody) == ["notes", "bonds"]
            assert await list_names(client, some) == []
            made.publish("swaps", seed=9)
            found = await ask_until(
                lambda: search(client, "swaps", some), lambda answer: answer.status_code != 404
            )
            assert found.json()["snapshot"] == made.snapshots["swaps"]
            assert await list_names(client, everybody) == ["notes", "bonds", "swaps"]
            assert (await client.get("/health/ready")).status_code == 200

    asyncio.run(body())


def test_a_collection_that_is_removed_while_all_are_served_goes_away_and_may_come_again(desk, tmp_path):
    made = desk("notes", "bonds", collections="*")
    reader, writer = made.make_key(), made.make_key(role=Role.WRITER)
    sent = {"documents": [{"doc_id": "new", "text": "a zebra"}]}

    async def body():
        async with made.serve() as client:
            find = partial(search, client, "bonds", reader)
            wrote = await ask(client, writer, "POST", "/collections/bonds/documents", sent)
            assert wrote.status_code == 200
            (tmp_path / "store" / "bonds").rename(tmp_path / "aside")  # at once; a log may still be written
            assert await list_names(client, reader) == ["notes"]
            gone = await ask_until(find, lambda answer: answer.status_code == 404)
            assert strip(gone) == strip(await search(client, "nothing", reader))
            assert await list_names(client, reader) == ["notes"]
            assert (await client.get("/health/ready")).status_code == 200
            made.publish("bonds", seed=5)
            found = await ask_until(find, lambda answer: answer.status_code == 200)
            assert found.json()["snapshot"] == made.snapshots["bonds"]
            wrote = await ask(client, writer, "POST", "/collections/bonds/documents", sent)
            assert wrote.status_code == 200, wrote.text

    asyncio.run(body())


def test_files_belong_to_the_default_collection_and_are_not_there_for_whoever_may_not_see_it(desk):
    made = desk("notes", "bonds", collections="bonds")
    seen, unseen = made.make_key("notes", role=Role.WRITER), made.make_key("bonds", role=Role.WRITER)

    async def body():
        async with made.serve() as client:
            assert (await ask(client, seen, "GET", "/v1/files")).json()["data"] == []
            made_one = await ask(client, seen, "POST", "/v1/vector_stores", {"name": "a"})
            assert made_one.status_code == 200
            for method, path, sent in (
                ("GET", "/v1/files", None),
                ("POST", "/v1/vector_stores", {"name": "a"}),
                ("GET", f"/v1/vector_stores/{made_one.json()['id']}", None),
            ):
                answer = await ask(client, unseen, method, path, sent)
                assert (answer.status_code, "no files are taken here" in answer.text) == (404, True)

    asyncio.run(body())
    paths = [item.path for item in made.store.list("notes")]
    assert any("uploads" in path for path in paths)
    assert not any("uploads" in item.path for item in made.store.list("bonds"))


def test_a_write_goes_into_its_collection_alone(desk):
    made = desk("notes", "bonds", collections="bonds")
    writer, reader = made.make_key(role=Role.WRITER), made.make_key()
    sent = {"documents": [{"doc_id": "new", "text": "a zebra"}]}

    async def body():
        async with made.serve() as client:
            for name in ("bonds", "notes"):
                wrote = await ask(client, writer, "POST", f"/collections/{name}/documents", sent)
                assert (wrote.status_code, wrote.json()["is_searchable"]) == (200, True), wrote.text
                found = await search(client, name, reader, query="zebra", mode="lexical")
                assert [hit["doc_id"] for hit in found.json()["hits"]] == ["new"]
                if name == "bonds":
                    other = await search(client, "notes", reader, query="zebra", mode="lexical")
                    assert other.json()["hits"] == []

    asyncio.run(body())


def test_what_is_asked_of_one_collection_is_none_of_anothers_quota(desk):
    made = desk("notes", "bonds", collections="bonds", requests_per_s=0.001, burst_s=2_000.0)
    key = made.make_key("notes", "bonds")

    async def body():
        async with made.serve() as client:
            for name in ("notes", "bonds"):
                statuses = [(await search(client, name, key)).status_code for _ in range(3)]
                assert statuses == [200, 200, 429]
            assert (await search(client, "nothing", key)).status_code == 429  # the default one's
            assert (await ask(client, key, "GET", "/v1/models")).status_code == 429

    asyncio.run(body())


def test_one_that_was_embedded_with_another_model_is_left_out_of_all_and_refused_by_name(desk):
    made = desk("notes", collections="*")
    spec = replace(HASHED, name="odd", embedder=replace(HASHED.embedder, weights="1" * 64))
    put_collection(made.store, spec)
    manifest = replace(
        load_snapshot(Collection(made.store, "notes"), made.snapshots["notes"]), collection=spec
    )
    publish(made.store, put_snapshot(made.store, replace(manifest, segments=(), n_rows=0)), "odd")
    key = made.make_key()

    async def body():
        async with made.serve() as client:
            assert await list_names(client, key) == ["notes"]
            assert (await search(client, "notes", key)).status_code == 200
            metrics = await ask(client, key, "GET", "/metrics")
            assert "eagleray_collections_not_opened 1.0" in metrics.text

    asyncio.run(body())
    serve = made.settings.serve.model_copy(update={"collections": "odd"})
    made.settings = made.settings.model_copy(update={"serve": serve})

    async def named():
        with pytest.raises(InputError, match="was embedded with"):
            async with made.serve():
                pass

    asyncio.run(named())


def test_one_whose_alias_is_damaged_keeps_no_other_from_being_found(desk):
    made = desk("notes", collections="*")
    put_collection(made.store, replace(HASHED, name="broken"))
    (alias,) = (item.path for item in made.store.list("notes/aliases"))
    made.store.write(alias.replace("notes/", "broken/"), b"{")
    key = made.make_key()

    async def body():
        async with made.serve() as client:
            assert await list_names(client, key) == ["notes"]
            metrics = await ask(client, key, "GET", "/metrics")
            assert "eagleray_collections_not_opened 1.0" in metrics.text

    asyncio.run(body())


def test_one_that_is_named_and_not_published_ends_the_start(desk):
    made = desk("notes", collections="bonds")

    async def body():
        with pytest.raises(NotPublishedError, match="bonds"):
            async with made.serve():
                pass

    asyncio.run(body())


def test_a_server_of_all_starts_without_any_and_is_ready_once_one_is_published(desk):
    made = desk(collections="*")
    made.store.write("_keys/x", b"")

    async def body():
        async with made.serve() as client:
            assert (await client.get("/health/ready")).status_code == 503
            made.publish("bonds")
            ready = await ask_until(
                lambda: client.get("/health/ready"), lambda answer: answer.status_code != 503
            )
            assert ready.status_code == 200

    asyncio.run(body())
