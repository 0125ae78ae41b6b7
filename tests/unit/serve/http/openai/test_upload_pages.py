"""Lists of files and vector stores that change while OpenAI's own client goes through them."""

from __future__ import annotations

import openai
import pytest

from serve.http.openai.upload_sweep import sweep
from serve.uploads import gone as gone_module
from tests.unit.serve.http.openai.test_vector_stores import NOTE, connect

N = 7


@pytest.fixture
def ask(serve_with):
    """Run a coroutine with a client and the served application."""

    def run(body):
        async def with_client(served):
            async with connect(served, "ann") as ann:
                await body(ann, served)

        serve_with(with_client, takes_files=True)

    return run


async def upload(client, n=N):
    return [
        (await client.files.create(file=(f"{number}.md", NOTE), purpose="assistants")).id
        for number in range(n)
    ]


async def attach(client, ids):
    store = await client.vector_stores.create()
    batch = await client.vector_stores.file_batches.create_and_poll(store.id, file_ids=ids)
    assert batch.file_counts.completed == len(ids)
    return store, batch


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_what_is_deleted_as_it_is_listed_is_all_deleted_and_the_rest_is_seen_once(ask, order):
    async def body(ann, _):
        ids = await upload(ann)
        seen = []
        async for file in ann.files.list(limit=2, order=order):
            seen.append(file.id)
            if file.id != ids[3]:
                await ann.files.delete(file.id)
        assert seen == (ids if order == "asc" else ids[::-1])
        assert [file.id async for file in ann.files.list()] == [ids[3]]
        stores = [(await ann.vector_stores.create()).id for _ in range(N)]
        seen = []
        async for store in ann.vector_stores.list(limit=2, order=order):
            seen.append(store.id)
            await ann.vector_stores.delete(store.id)
        assert seen == (stores if order == "asc" else stores[::-1])
        assert [store.id async for store in ann.vector_stores.list()] == []

    ask(body)


@pytest.mark.parametrize("goes", ["detached", "deleted"])
@pytest.mark.parametrize("lists", ["store", "batch"])
def test_files_leave_a_vector_store_as_they_are_listed(ask, goes, lists):
    async def body(ann, _):
        ids = await upload(ann)
        store, batch = await attach(ann, ids)
        files = ann.vector_stores.files
        pages = {
            "store": lambda: files.list(store.id, limit=2),
            "batch": lambda: ann.vector_stores.file_batches.list_files(
                batch.id, vector_store_id=store.id, limit=2
            ),
        }[lists]
        seen = []
        async for file in pages():
            seen.append(file.id)
            if goes == "detached":
                await files.delete(file.id, vector_store_id=store.id)
            else:
                await ann.files.delete(file.id)
        assert sorted(seen) == sorted(ids)
        assert [file.id async for file in files.list(store.id)] == []

    ask(body)


def test_a_file_that_leaves_the_part_that_is_listed_keeps_its_place(ask):
    async def body(ann, _):
        ids = await upload(ann, 4)
        store, _ = await attach(ann, ids)
        page = await ann.vector_stores.files.list(store.id, filter="failed", after=ids[0])
        assert page.data == []
        page = await ann.files.list(purpose="user_data", after=ids[0])
        assert page.data == []

    ask(body)


def test_places_are_forgotten_after_a_day_and_are_nobody_elses(ask, monkeypatch):
    async def body(ann, served):
        first, second = await upload(ann, 2)
        await ann.files.delete(second)
        assert [file.id for file in (await ann.files.list(after=second)).data] == [first]
        async with connect(served, "ben") as ben:
            for given in (second, first, "file-none", "../x"):
                with pytest.raises(openai.BadRequestError):
                    await ben.files.list(after=given)
        await sweep(served.site)
        assert [file.id for file in (await ann.files.list(after=second)).data] == [first]
        monkeypatch.setattr(gone_module, "_KEPT_US", -60_000_000)
        await sweep(served.site)
        with pytest.raises(openai.BadRequestError):
            await ann.files.list(after=second)

    ask(body)
