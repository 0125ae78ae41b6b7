"""What a vector store's owner may say of it and its files: when they go, how they are cut."""

from __future__ import annotations

import json

import openai
import pytest

from serve.http.openai.upload_sweep import sweep
from serve.uploads import keeping
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import read_clock
from tests.openai_stores import NOTE, fill, find
from tests.small_collections import SPEC


def test_a_vector_store_that_is_not_used_expires_with_its_files_and_not_without(ask):
    async def body(ann, _, served):
        store, ids = await fill(ann, gilt=(NOTE, {}))
        assert (store.expires_after, store.expires_at) == (None, None)
        changed = await ann.vector_stores.update(
            store.id, expires_after={"anchor": "last_active_at", "days": 2}
        )
        assert changed.expires_after.days == 2
        assert changed.expires_at == changed.last_active_at + 2 * 86_400
        kept = await ann.vector_stores.update(store.id, name="x")
        assert kept.expires_after.days == 2
        own = OwnRecords(served.store, SPEC.name, subject="ann")
        (made,) = [i.path for i in served.store.list(f"{SPEC.name}/uploads") if i.path.endswith(".made")]
        long_ago = json.loads(served.store.read(made)) | {"created": 1}
        served.store.write(made, json.dumps(long_ago).encode())
        assert (await find(ann, store)).keys() == set(ids.values())
        served.store.delete(made.replace(".made", ".active"))
        for asked in (
            find(ann, store),
            ann.vector_stores.files.retrieve(ids["gilt"], vector_store_id=store.id),
            ann.vector_stores.files.create(store.id, file_id=ids["gilt"]),
            ann.vector_stores.update(store.id, expires_after=None),
        ):
            with pytest.raises(openai.NotFoundError, match="expired|nothing"):
                await asked
        gone = await ann.vector_stores.retrieve(store.id)
        assert (gone.status, gone.file_counts.total) == ("expired", 0)
        assert [item async for item in ann.vector_stores.files.list(store.id)] == []
        await sweep(served.site)
        assert own.attachments.list_attempts(store.id) == []
        assert (await ann.files.retrieve(ids["gilt"])).id == ids["gilt"]
        lasting = await ann.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 1})
        lasting = await ann.vector_stores.update(lasting.id, expires_after=None)
        assert lasting.expires_after is None

    ask(body)


def test_every_use_of_a_vector_store_is_its_last_activity(ask, monkeypatch):
    async def body(ann, *_):
        store, _ = await fill(ann, gilt=(NOTE, {}))
        before = (await ann.vector_stores.retrieve(store.id)).last_active_at
        monkeypatch.setattr(keeping, "read_clock", lambda: read_clock() + 2_000_000)
        assert (await ann.vector_stores.retrieve(store.id)).last_active_at == before
        await find(ann, store)
        assert (await ann.vector_stores.retrieve(store.id)).last_active_at > before

    ask(body)


def test_a_file_expires_where_its_upload_says_so(ask):
    async def body(ann, *_):
        policy = {"anchor": "created_at", "seconds": 3600}
        file = await ann.files.create(file=("a.md", NOTE), purpose="assistants", expires_after=policy)
        assert file.expires_at == file.created_at + 3600
        for wrong in ({"anchor": "created_at", "seconds": 10}, {"seconds": 3600}):
            with pytest.raises(openai.BadRequestError, match="expires_after"):
                await ann.files.create(file=("a.md", NOTE), purpose="assistants", expires_after=wrong)

    ask(body)


def test_static_chunks_have_the_lengths_asked_for_or_are_refused(ask):
    async def body(ann, *_):
        store = await ann.vector_stores.create()
        words = " ".join(f"zebracoupon{n}" for n in range(600)).encode()
        file = await ann.files.create(file=("a.txt", words), purpose="assistants")
        static = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 10}
        attached = await ann.vector_stores.files.create(
            store.id, file_id=file.id, chunking_strategy={"type": "static", "static": static}
        )
        assert attached.chunking_strategy.static.model_dump() == static
        page = await ann.vector_stores.search(store.id, query="zebracoupon7", max_num_results=50)
        lengths = [len(item.content[0].text.split()) for item in page.data]
        assert len(lengths) >= 6
        assert max(lengths) <= 100
        auto = await ann.vector_stores.files.create(
            store.id, file_id=file.id, chunking_strategy={"type": "auto"}
        )
        assert auto.chunking_strategy.type == "static"
        assert auto.chunking_strategy.static.max_chunk_size_tokens == SPEC.chunker.target_tokens
        page = await ann.vector_stores.search(store.id, query="zebracoupon7", max_num_results=50)
        assert max(len(item.content[0].text.split()) for item in page.data) > 100
        for wrong in (
            {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
            static | {"chunk_overlap_tokens": 60},
        ):
            with pytest.raises(openai.BadRequestError, match="chunk"):
                await ann.vector_stores.files.create(
                    store.id, file_id=file.id, chunking_strategy={"type": "static", "static": wrong}
                )

    ask(body)
