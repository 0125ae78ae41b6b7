"""Files and vector stores, asked with OpenAI's own client."""

from __future__ import annotations

import threading
from dataclasses import replace

import openai
import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from serve.audit.kinds.writes import DocumentWrite
from serve.http.openai import file_attachment
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import make_attempt
from tests.openai_stores import NOTE, OTHER, connect, fill, find
from tests.small_collections import SPEC
from tests.small_searchers import open_engine


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
        actions = [item.request.action for item in served.recorded]
        assert actions[:3] == ["upload_file", "read_file", "upload_file"]
        assert isinstance(served.recorded[-1].outcome, Exception)
        assert NOTE.decode() not in str(served.recorded)
        left = [item.path for item in served.store.list(f"{SPEC.name}/uploads")]
        assert sorted(path.split("/")[-2] for path in left) == ["contents", "files", "gone"]
        assert all(file.id in path if "/gone/" in path else second.id in path for path in left)

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
        engine = served.open_engine(served.watcher.state.snapshot)
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
        (wrote,) = [item for item in served.recorded if isinstance(item.request, DocumentWrite)]
        assert wrote.request.principal.subject == "ann"
        assert wrote.outcome == served.watcher.state.snapshot

    ask(body)


def test_what_a_crash_left_half_written_is_not_found_and_can_be_attached_again(ask):
    async def body(ann, _, served):
        store, ids = await fill(ann, gilt=(NOTE, {}))
        own = OwnRecords(served.store, SPEC.name, subject="ann")
        record = own.attachments.find(store.id, ids["gilt"])
        own.attachments.erase([record])
        left = replace(record, snapshot="", attempt=make_attempt(record.created))
        own.attachments.begin(left)
        own.attachments.plan(left, 1)
        assert await find(ann, store) == {}
        file = await ann.vector_stores.files.retrieve(ids["gilt"], vector_store_id=store.id)
        assert file.status == "in_progress"
        long_ago = record.created - 3_600_000_000
        own.attachments.erase([left])
        own.attachments.begin(replace(left, created=long_ago, attempt=make_attempt(long_ago)))
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


def test_an_empty_time_does_not_ask_the_latest_state(ask):
    async def body(ann, *_):
        store, _ = await fill(ann, gilt=(NOTE, {}))
        with pytest.raises(openai.BadRequestError, match="not a time"):
            await find(ann, store, extra_body={"as_of": ""})

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


def test_completed_is_said_only_once_a_search_finds_the_file_however_long_opening_takes(ask):
    may_open = threading.Event()
    may_open.set()

    def open_slowly(store, snapshot):
        may_open.wait(30)
        return open_engine(store, snapshot)

    async def body(ann, *_):
        store = await ann.vector_stores.create()
        file = await ann.files.create(file=("a.md", NOTE), purpose="assistants")
        may_open.clear()
        shown = await ann.vector_stores.files.create(store.id, file_id=file.id)
        assert (shown.status, shown.usage_bytes) == ("in_progress", 0)
        for _ in range(2):
            shown = await ann.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
            assert shown.status == "in_progress"
            assert await find(ann, store) == {}
        whole = await ann.vector_stores.retrieve(store.id)
        assert (whole.status, whole.file_counts.in_progress) == ("in_progress", 1)
        may_open.set()
        polled = await ann.vector_stores.files.poll(file.id, vector_store_id=store.id, poll_interval_ms=10)
        assert polled.status == "completed"
        assert (await find(ann, store)).keys() == {file.id}

    ask(body, open_with=open_slowly)


def test_what_takes_longer_than_an_answer_waits_goes_on_and_can_be_cancelled(ask, monkeypatch):
    started, go_on = threading.Event(), threading.Event()
    read = file_attachment.read_documents

    def read_slowly(*given, **named):
        started.set()
        go_on.wait(10)
        return read(*given, **named)

    monkeypatch.setattr(file_attachment, "read_documents", read_slowly)

    async def body(ann, _, served):
        object.__setattr__(served.served.uploads, "patience_s", 0.05)
        store = await ann.vector_stores.create()
        files = [(await ann.files.create(file=(f"{n}.md", NOTE), purpose="assistants")).id for n in range(3)]
        batch = await ann.vector_stores.file_batches.create(store.id, file_ids=files)
        assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 3)
        cancelled = await ann.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
        assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 3)
        go_on.set()
        await served.uncancellable.close()
        assert await find(ann, store) == {}
        listed = [item.status async for item in ann.vector_stores.files.list(store.id)]
        assert listed == ["cancelled"] * 3
        attached = await ann.vector_stores.files.create_and_poll(
            files[0], vector_store_id=store.id, poll_interval_ms=10
        )
        assert attached.status == "completed"
        assert (await find(ann, store)).keys() == {files[0]}

    ask(body)


def test_where_no_files_are_taken_there_are_none(serve_with):
    async def body(served):
        async with connect(served, "ann") as ann:
            with pytest.raises(openai.NotFoundError, match="no files are taken here"):
                await ann.vector_stores.create()

    serve_with(body)
