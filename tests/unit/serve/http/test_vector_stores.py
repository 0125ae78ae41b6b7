"""Files and vector stores, asked with OpenAI's own client."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import openai
import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import AttachedRecord
from tests.small_collections import SPEC

NOTE = b"# Gilts\n\nThe zebracoupon of the gilt is paid in June.\n"
OTHER = b"The zebracoupon of the bund is paid in July, and the haircut is small.\n"


@asynccontextmanager
async def connect(served, key):
    transport = httpx.ASGITransport(served.app, raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport) as http,
        openai.AsyncOpenAI(api_key=key, base_url="http://test/v1", http_client=http, max_retries=0) as client,
    ):
        yield client


@pytest.fixture
def ask(serve_with):
    """Run a coroutine with clients of two callers, and the served application."""

    def run(body, **more):
        async def with_clients(served):
            async with connect(served, "ann") as ann, connect(served, "ben") as ben:
                await body(ann, ben, served)

        serve_with(with_clients, takes_files=True, **more)

    return run


async def fill(client, **files):
    """Return a vector store with files, and their ids by name."""
    store = await client.vector_stores.create(name="desk")
    ids = {}
    for name, (data, attributes) in files.items():
        file = await client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=(f"{name}.md", data), attributes=attributes
        )
        assert (file.status, file.last_error) == ("completed", None)
        ids[name] = file.id
    return store, ids


async def find(client, store, query="zebracoupon", **more):
    page = await client.vector_stores.search(store.id, query=query, **more)
    return {item.file_id: item for item in page.data}


def test_a_file_is_kept_listed_read_and_deleted(ask):
    async def body(ann, _, served):
        file = await ann.files.create(file=("a/note.md", NOTE), purpose="assistants")
        assert (file.filename, file.bytes, file.object) == ("note.md", len(NOTE), "file")
        assert await ann.files.retrieve(file.id) == file
        assert (await ann.files.content(file.id)).content == NOTE
        second = await ann.files.create(file=("b.md", OTHER), purpose="user_data")
        assert [item.id async for item in ann.files.list(limit=1)] == [second.id, file.id]
        assert [item.id async for item in ann.files.list(order="asc")] == [file.id, second.id]
        assert [item.id async for item in ann.files.list(purpose="user_data")] == [second.id]
        assert (await ann.files.delete(file.id)).deleted
        for asked in (ann.files.retrieve(file.id), ann.files.content(file.id), ann.files.delete(file.id)):
            with pytest.raises(openai.NotFoundError):
                await asked
        actions = [item[0].action for item in served.recorded]
        assert actions[:3] == ["upload_file", "read_file", "upload_file"]
        assert isinstance(served.recorded[-1][1], Exception)
        assert NOTE.decode() not in str(served.recorded)
        left = [item.path for item in served.store.list(f"{SPEC.name}/uploads")]
        assert len(left) == 2
        assert all(second.id in path for path in left)

    ask(body)


@pytest.mark.parametrize(
    ("file", "purpose"),
    [(("a.md", b""), "assistants"), (("a.md", NOTE), "batch"), (("", NOTE), "assistants")],
)
def test_what_is_no_upload_is_refused(ask, file, purpose):
    async def body(ann, *_):
        with pytest.raises(openai.BadRequestError):
            await ann.files.create(file=file, purpose=purpose)
        assert [item async for item in ann.files.list()] == []

    ask(body)


def test_an_uploaded_file_is_found_with_its_attributes_at_once(ask):
    async def body(ann, *_):
        store, ids = await fill(
            ann, gilt=(NOTE, {"year": 2024, "desk": "rates"}), bund=(OTHER, {"year": 2025})
        )
        found = await find(ann, store)
        assert found.keys() == set(ids.values())
        gilt = found[ids["gilt"]]
        assert gilt.filename == "gilt.md"
        assert gilt.attributes == {"year": 2024, "desk": "rates"}
        assert "zebracoupon of the gilt" in gilt.content[0].text
        assert 0.0 < gilt.score <= 1.0
        shown = await ann.vector_stores.retrieve(store.id)
        assert (shown.file_counts.completed, shown.file_counts.total, shown.status) == (2, 2, "completed")
        assert shown.usage_bytes == len(NOTE) + len(OTHER)
        page = await ann.vector_stores.files.content(ids["gilt"], vector_store_id=store.id)
        assert "zebracoupon of the gilt" in page.data[0].text

    ask(body)


def test_filters_thresholds_and_numbers_of_results_choose_among_files(ask):
    async def body(ann, *_):
        store, ids = await fill(ann, gilt=(NOTE, {"year": 2024}), bund=(OTHER, {"year": 2025}))
        later = {"type": "gt", "key": "year", "value": 2024}
        assert (await find(ann, store, filters=later)).keys() == {ids["bund"]}
        either = {"type": "or", "filters": [later, {"type": "in", "key": "year", "value": [2024]}]}
        assert len(await find(ann, store, filters=either)) == 2
        assert await find(ann, store, filters={"type": "eq", "key": "year", "value": "2024"}) == {}
        assert len(await find(ann, store, max_num_results=1)) == 1
        best = max(item.score for item in (await find(ann, store)).values())
        options = {"score_threshold": best, "ranker": "auto"}
        assert {item.score for item in (await find(ann, store, ranking_options=options)).values()} == {best}
        await ann.vector_stores.files.update(ids["gilt"], vector_store_id=store.id, attributes={"year": 2030})
        assert (await find(ann, store, filters={"type": "gte", "key": "year", "value": 2030})).keys() == {
            ids["gilt"]
        }
        assert len(await find(ann, store, query=["zebracoupon", "gilt"], rewrite_query=True)) == 2
        with pytest.raises(openai.BadRequestError, match="filters"):
            await find(ann, store, filters={"type": "like", "key": "year", "value": 1})

    ask(body)


def test_nobody_else_sees_counts_finds_or_touches_what_is_uploaded(ask):
    async def body(ann, ben, served):
        store, ids = await fill(ann, gilt=(NOTE, {"year": 2024}))
        mine, _ = await fill(ben)
        made_up = "0" * 32
        for ref, file in ((store.id, ids["gilt"]), (f"vs_{made_up}", f"file-{made_up}")):
            for asked in (
                ben.vector_stores.retrieve(ref),
                ben.vector_stores.search(ref, query="zebracoupon"),
                ben.vector_stores.delete(ref),
                ben.vector_stores.update(ref, name="x"),
                ben.vector_stores.files.retrieve(file, vector_store_id=ref),
                ben.vector_stores.files.content(file, vector_store_id=ref),
                ben.vector_stores.files.create(ref, file_id=file),
                ben.vector_stores.files.create(mine.id, file_id=file),
                ben.vector_stores.files.delete(file, vector_store_id=ref),
                ben.files.retrieve(file),
                ben.files.content(file),
                ben.files.delete(file),
            ):
                with pytest.raises(openai.NotFoundError):
                    await asked
        assert [item.id async for item in ben.vector_stores.list()] == [mine.id]
        assert [item async for item in ben.files.list()] == []
        assert await find(ben, mine) == {}
        for key in ("ann", "ben"):  # an ordinary search finds none of it, its owner's neither
            answer = await served.client.post(
                f"/collections/{SPEC.name}/search",
                json={"query": "zebracoupon", "mode": "lexical", "k": 100},
                headers={"authorization": f"Bearer {key}"},
            )
            assert answer.json()["hits"] == []
        assert (await find(ann, store)).keys() == {ids["gilt"]}

    ask(body, groups=("rates", "eagleray:rates"))


def test_what_is_detached_or_deleted_is_no_longer_found(ask):
    async def body(ann, _, served):
        store, ids = await fill(ann, gilt=(NOTE, {}), bund=(OTHER, {}))
        other = await ann.vector_stores.create(file_ids=[ids["bund"]])
        assert (await find(ann, other)).keys() == {ids["bund"]}
        assert (await ann.vector_stores.files.delete(ids["gilt"], vector_store_id=store.id)).deleted
        assert (await find(ann, store)).keys() == {ids["bund"]}
        assert (await ann.files.retrieve(ids["gilt"])).filename == "gilt.md"
        await ann.vector_stores.files.create_and_poll(ids["gilt"], vector_store_id=store.id)
        assert (await find(ann, store)).keys() == set(ids.values())
        await ann.files.delete(ids["bund"])
        assert (await find(ann, store)).keys() == {ids["gilt"]}
        assert await find(ann, other) == {}
        assert (await ann.vector_stores.delete(store.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await find(ann, store)
        engine = served.open_engine(served.follower.state.snapshot)
        everything = Principal(subject="x", groups=frozenset({"eagleray:subject:ann"}))
        request = SearchRequest(query="zebracoupon", mode=SearchMode.LEXICAL, principal=everything)
        assert engine.search(request).hits == ()

    ask(body)


def test_batches_tell_of_good_and_bad_files_and_lists_come_in_pages(ask):
    async def body(ann, *_):
        store = await ann.vector_stores.create()
        names = ("a.md", "b.txt", "c.docx", "d.jsonl")
        contents = (NOTE, OTHER, b"PK", b'{"_id": "1", "text": "fine"}\n{"no": 1}\n')
        made = [
            await ann.files.create(file=item, purpose="assistants")
            for item in zip(names, contents, strict=True)
        ]
        batch = await ann.vector_stores.file_batches.create_and_poll(
            store.id, file_ids=[file.id for file in made], attributes={"n": 1}
        )
        assert (batch.file_counts.completed, batch.file_counts.failed, batch.file_counts.total) == (2, 2, 4)
        assert await ann.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id) == batch
        listed = [
            file
            async for file in ann.vector_stores.file_batches.list_files(
                batch.id, vector_store_id=store.id, limit=1
            )
        ]
        assert {file.id for file in listed} == {file.id for file in made}
        codes = {file.id: file.last_error.code for file in listed if file.last_error}
        assert codes == {made[2].id: "unsupported_file", made[3].id: "invalid_file"}
        done = [file.id async for file in ann.vector_stores.files.list(store.id, filter="completed", limit=1)]
        assert set(done) == {made[0].id, made[1].id}
        found = await find(ann, store)
        assert found.keys() == set(done)
        assert found[made[0].id].attributes == {"n": 1}
        stores = [(await ann.vector_stores.create(name=str(n))).id for n in range(3)]
        assert [item.id async for item in ann.vector_stores.list(order="asc", limit=2)] == [store.id, *stores]
        page = await ann.vector_stores.list(order="asc", before=stores[2], limit=1)
        assert [item.id for item in page.data] == [stores[1]]
        with pytest.raises(openai.BadRequestError):
            await ann.vector_stores.list(after="vs_none")

    ask(body)


def test_readers_search_writers_write_and_neither_does_the_other(serve_with):
    async def body(served):
        async with connect(served, "ann-writes") as writer, connect(served, "ann-reads") as reader:
            store, ids = await fill(writer, gilt=(NOTE, {}))
            assert (await find(reader, store)).keys() == set(ids.values())
            assert (await reader.files.content(ids["gilt"])).content == NOTE
            for asked in (
                reader.files.create(file=("a.md", NOTE), purpose="assistants"),
                reader.files.delete(ids["gilt"]),
                reader.vector_stores.create(),
                reader.vector_stores.delete(store.id),
                reader.vector_stores.files.create(store.id, file_id=ids["gilt"]),
                writer.vector_stores.search(store.id, query="zebracoupon"),
                writer.files.content(ids["gilt"]),
            ):
                with pytest.raises(openai.PermissionDeniedError):
                    await asked
        async with connect(served, "zoned") as zoned:
            store, ids = await fill(zoned, gilt=(NOTE, {}))
            assert (await find(zoned, store)).keys() == set(ids.values())

    serve_with(body, takes_files=True)


def test_searches_and_writes_stand_in_the_audit_log_with_the_group_that_opened_them(ask):
    async def body(ann, _, served):
        store, _ = await fill(ann, gilt=(NOTE, {}))
        await find(ann, store)
        ended = served.recorded[-1]
        assert ended.request.query == "zebracoupon"
        assert ended.request.principal == Principal(subject="ann", groups=frozenset({"eagleray:subject:ann"}))
        (wrote,) = [item for item in served.recorded if hasattr(item, "write")]
        assert wrote.principal.subject == "ann"
        assert wrote.outcome == served.follower.state.snapshot

    ask(body)


def test_what_a_crash_left_half_written_is_not_found_and_can_be_attached_again(ask):
    async def body(ann, _, served):
        store, ids = await fill(ann, gilt=(NOTE, {}))
        own = OwnRecords(served.store, SPEC.name, subject="ann")
        record = own.find(AttachedRecord, store.id, ids["gilt"])
        own.put(replace(record, is_written=False))
        assert await find(ann, store) == {}
        hour = 3_600_000_000
        own.put(replace(record, is_written=False, created=time.time_ns() // 1_000 - hour))
        file = await ann.vector_stores.files.poll(ids["gilt"], vector_store_id=store.id)
        assert (file.status, file.last_error.code) == ("failed", "server_error")
        await ann.vector_stores.files.create_and_poll(ids["gilt"], vector_store_id=store.id)
        assert (await find(ann, store)).keys() == {ids["gilt"]}

    ask(body)


def test_a_search_as_of_an_earlier_time_finds_nothing_uploaded_since(ask):
    async def body(ann, *_):
        store, _ = await fill(ann, gilt=(NOTE, {}))
        assert await find(ann, store, extra_body={"as_of": "2024-01-01"}) == {}
        assert len(await find(ann, store, extra_body={"as_of": "2100-01-01"})) == 1

    ask(body)


def test_uploads_have_a_limit_of_their_own_and_come_from_known_callers_alone(serve_with):
    async def body(served):
        long = b"x" * (2 << 20)
        form = {"data": {"purpose": "assistants"}, "files": {"file": ("a.txt", long)}}
        known = {"authorization": "Bearer ann"}
        assert (await served.client.post("/v1/files", headers=known, **form)).status_code == 200
        unknown = {"authorization": "Bearer nobody"}
        assert (await served.client.post("/v1/files", headers=unknown, **form)).status_code == 401
        form["files"] = {"file": ("a.txt", b"x" * (33 << 20))}
        answer = await served.client.post("/v1/files", headers=known, **form)
        assert (answer.status_code, answer.json()["error"]["type"]) == (413, "invalid_request_error")

    serve_with(body, takes_files=True)


def test_where_no_files_are_taken_there_are_none(serve_with):
    async def body(served):
        async with connect(served, "ann") as ann:
            with pytest.raises(openai.NotFoundError, match="no files are taken here"):
                await ann.vector_stores.create()
            await asyncio.sleep(0)

    serve_with(body)
