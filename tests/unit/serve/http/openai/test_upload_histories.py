"""Drawn histories of uploads, many at once: what is said to be there is found, and what is gone is not."""

from __future__ import annotations

import asyncio
import random

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from indexes.snapshots.aliases import read_alias
from serve.http.openai.upload_sweep import sweep
from tests.small_collections import SPEC

ANN = {"authorization": "Bearer ann"}
ENTITLED = Principal(subject="x", groups=frozenset({"eagleray:subject:ann"}))
N_ROUNDS = 6
N_AT_ONCE = 8


class History:
    """Files and vector stores that were made, and what was answered of their deletes."""

    def __init__(self, served, seed):
        self.served, self.drawn = served, random.Random(seed)  # noqa: S311 - no secrets
        self.files, self.stores, self.deleted = [], [], set()

    async def ask(self, method, path, **more):
        answer = await self.served.client.request(method, f"/v1{path}", headers=ANN, **more)
        assert answer.status_code in (200, 404), (method, path, answer.text)
        return answer

    async def upload(self):
        form = {"data": {"purpose": "assistants"}, "files": {"file": ("a.txt", b"The zqsecret.")}}
        self.files.append((await self.ask("POST", "/files", **form)).json()["id"])

    async def make_store(self):
        self.stores.append((await self.ask("POST", "/vector_stores", json={})).json()["id"])

    async def attach(self):
        await self.ask("POST", f"/vector_stores/{self.store}/files", json={"file_id": self.file})

    async def attach_batch(self):
        files = self.drawn.sample(self.files, min(3, len(self.files)))
        await self.ask("POST", f"/vector_stores/{self.store}/file_batches", json={"file_ids": files})

    async def change(self):
        path = f"/vector_stores/{self.store}/files/{self.file}"
        await self.ask("POST", path, json={"attributes": {"year": self.drawn.randrange(9)}})

    async def detach(self):
        await self.ask("DELETE", f"/vector_stores/{self.store}/files/{self.file}")

    async def delete_file(self):
        file = self.file
        if (await self.ask("DELETE", f"/files/{file}")).status_code == 200:
            self.deleted.add(file)
        assert (await self.ask("GET", f"/files/{file}")).status_code == 404

    async def delete_store(self):
        store = self.store
        if (await self.ask("DELETE", f"/vector_stores/{store}")).status_code == 200:
            self.deleted.add(store)
        assert (await self.ask("GET", f"/vector_stores/{store}")).status_code == 404

    async def search(self):
        before = frozenset(self.deleted)
        found = await self.find(self.store)
        assert before.isdisjoint(found)

    async def find(self, store):
        body = {"query": "zqsecret", "max_num_results": 50}
        answer = await self.ask("POST", f"/vector_stores/{store}/search", json=body)
        return [item["file_id"] for item in answer.json().get("data", ())]

    @property
    def file(self):
        return self.drawn.choice(self.files)

    @property
    def store(self):
        return self.drawn.choice(self.stores)

    async def check(self):
        """Compare what lists say with what searches find, and with what the newest snapshot holds open."""
        attached = set()
        for store in self.stores:
            listed = await self.ask("GET", f"/vector_stores/{store}/files", params={"limit": 100})
            items = listed.json().get("data", ())
            assert {item["status"] for item in items} <= {"completed"}
            assert sorted(item["id"] for item in items) == sorted(await self.find(store))
            attached |= {(store, item["id"]) for item in items}
        assert not [names for names in attached if self.deleted & set(names)]
        snapshot = read_alias(Collection(self.served.store, SPEC.name), "live").snapshot
        request = SearchRequest(query="zqsecret", mode=SearchMode.LEXICAL, principal=ENTITLED, k=1_000)
        hits = self.served.open_engine(snapshot).search(request).hits
        assert sorted(tuple(hit.doc_id.split("/")[1:3]) for hit in hits) == sorted(attached)


@pytest.mark.parametrize("seed", [1, 2])
def test_after_each_round_lists_searches_and_the_snapshot_agree(serve_with, seed):
    async def body(served):
        history = History(served, seed)
        for _ in range(2):
            await history.make_store()
            await history.upload()
        kinds = ["upload", "make_store", "attach", "attach_batch", "change", "detach", "search"]
        weights = [2, 1, 6, 3, 2, 2, 3, 2, 1]
        for _ in range(N_ROUNDS):
            drawn = history.drawn.choices([*kinds, "delete_file", "delete_store"], weights, k=N_AT_ONCE)
            await asyncio.gather(*(getattr(history, kind)() for kind in drawn))
            await sweep(served.site)
            await history.check()
        assert history.deleted

    serve_with(body, takes_files=True)
