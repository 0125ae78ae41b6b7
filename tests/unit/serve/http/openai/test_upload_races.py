"""Deletes beside attachments, and servers that end in the middle of either: what is deleted stays deleted.

Each case is tried at every change that an attachment or a delete makes to the store: something else happens
between that change and the one before it, or the server ends there.
"""

from __future__ import annotations

import asyncio
import itertools
import threading

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import StoreError
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.storage import open_store
from serve.http import audited_write
from serve.http.openai import file_attachment, upload_sweep
from serve.http.openai.upload_sweep import open_uploads, sweep
from tests.small_collections import SPEC, put_small_snapshot

SECRET = b"The zqsecret of the desk.\n"
ANN = {"authorization": "Bearer ann"}
ENTITLED = Principal(subject="x", groups=frozenset({"eagleray:subject:ann"}))
CHANGES = ("write", "create", "delete", "upload")
MOST_STEPS = 60
HELD_S = 0.3


class SteppedStore:
    """A published collection in a store that stops before the change of a number, or fails from there on."""

    def __init__(self, folder):
        self._folder, self._n_begun, self._lock = folder, 0, threading.Lock()
        self.begin()

    def begin(self):
        """Hold the small collection and nothing else, as if nothing had ever been asked."""
        self._n_begun += 1
        self._inner = open_store(self._folder / str(self._n_begun))
        snapshot = put_small_snapshot(self._inner, seed=1)
        move = AliasMove(expected=None, snapshot=snapshot, reason="publish", now=1)
        move_alias(Collection(self._inner, SPEC.name), "live", move=move)
        self.revive()

    def revive(self):
        self.n_changes, self.stop_at, self.is_dead, self.dies = 0, None, False, False
        self.reached, self.released = threading.Event(), threading.Event()

    def stop_before(self, number, *, dies=False):
        self.revive()
        self.stop_at, self.dies = number, dies

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*given, **named):
            if name in CHANGES:
                self._step()
            if self.is_dead:
                raise StoreError(path="store", detail="the server has ended")
            return found(*given, **named)

        return call

    def _step(self):
        with self._lock:
            number, self.n_changes = self.n_changes, self.n_changes + 1
        if number == self.stop_at and not self.reached.is_set():
            self.reached.set()
            self.released.wait(timeout=HELD_S)
            self.is_dead = self.dies


@pytest.fixture
def store(tmp_path):
    return SteppedStore(tmp_path)


class Desk:
    """What Ann does at a server."""

    def __init__(self, served):
        self.served = served

    async def ask(self, method, path, **more):
        return await self.served.client.request(method, f"/v1{path}", headers=ANN, **more)

    async def upload(self):
        form = {"data": {"purpose": "assistants"}, "files": {"file": ("a.txt", SECRET)}}
        return (await self.ask("POST", "/files", **form)).json()["id"]

    async def make_store(self):
        return (await self.ask("POST", "/vector_stores", json={})).json()["id"]

    async def attach(self, store, file):
        return await self.ask("POST", f"/vector_stores/{store}/files", json={"file_id": file})

    async def delete(self, what, store, file):
        path = {
            "file": f"/files/{file}",
            "store": f"/vector_stores/{store}",
            "attached": f"/vector_stores/{store}/files/{file}",
        }[what]
        return await self.ask("DELETE", path)

    async def is_gone(self, what, store, file):
        path = {
            "file": f"/files/{file}",
            "store": f"/vector_stores/{store}",
            "attached": f"/vector_stores/{store}/files/{file}",
        }[what]
        return (await self.ask("GET", path)).status_code == 404

    async def find(self, store):
        answer = await self.ask("POST", f"/vector_stores/{store}/search", json={"query": "zqsecret"})
        return [item["file_id"] for item in answer.json()["data"]] if answer.status_code == 200 else []

    def list_open(self, file):
        """Return the documents of a file that the newest snapshot shows to its owner."""
        snapshot = read_alias(Collection(self.served.store, SPEC.name), "live").snapshot
        request = SearchRequest(query="zqsecret", mode=SearchMode.LEXICAL, principal=ENTITLED, k=100)
        hits = self.served.open_engine(snapshot).search(request).hits
        return [hit.doc_id for hit in hits if file in hit.doc_id]

    async def check_gone(self, store, file, told):
        assert await self.find(store) == [], told
        content = await self.ask("GET", f"/vector_stores/{store}/files/{file}/content")
        assert content.status_code == 404, told
        assert self.list_open(file) == [], told


async def wait_for(event):
    await asyncio.to_thread(event.wait, 5)


@pytest.fixture
def try_each_step(serve_with, store):
    """Try something at every change, until it makes no more: each time on a collection of its own."""

    def run(attempt):
        for number in range(MOST_STEPS):
            store.begin()

            async def body(served, number=number):
                desk = Desk(served)
                vector_store, file = await desk.make_store(), await desk.upload()
                return await attempt(desk, vector_store, file, number)

            if serve_with(body, takes_files=True):
                return number
        pytest.fail("more changes were made than were tried")

    return run


@pytest.mark.parametrize("what", ["file", "store", "attached"])
def test_what_is_deleted_at_any_step_of_its_attachment_is_gone(try_each_step, store, what):
    async def attempt(desk, vector_store, file, number):
        store.stop_before(number)
        attaching = asyncio.create_task(desk.attach(vector_store, file))
        reached = asyncio.create_task(wait_for(store.reached))
        await asyncio.wait({attaching, reached}, return_when=asyncio.FIRST_COMPLETED)
        is_done = not store.reached.is_set()
        deleted = await desk.delete(what, vector_store, file)
        store.released.set()
        answer = await attaching
        store.revive()
        reached.cancel()
        told = (what, number, deleted.status_code, answer.status_code)
        if deleted.status_code == 404:  # it was not yet attached
            assert what == "attached", told
            assert answer.json()["status"] == "completed", told
        else:
            assert deleted.json()["deleted"], told
            assert await desk.is_gone(what, vector_store, file), told
            await desk.check_gone(vector_store, file, told)
        return is_done

    assert try_each_step(attempt) > 8


@pytest.mark.parametrize("what", ["file", "store", "attached"])
def test_where_the_server_ends_in_an_attachment_deletes_and_sweeps_leave_nothing(try_each_step, store, what):
    async def attempt(desk, vector_store, file, number):
        store.stop_before(number, dies=True)
        store.released.set()
        answer = await desk.attach(vector_store, file)
        await desk.served.uncancellable.close()
        is_done = not store.reached.is_set()
        store.revive()
        found = await desk.find(vector_store)
        shown = await desk.ask("GET", f"/vector_stores/{vector_store}/files/{file}")
        status = shown.json().get("status", "none")
        assert (found == [file]) is (status == "completed"), (number, status, answer.status_code)
        deleted = await desk.delete(what, vector_store, file)
        assert deleted.status_code == (404 if what == "attached" and status == "none" else 200)
        await sweep(desk.served.site)
        await desk.check_gone(vector_store, file, (what, number))
        return is_done

    assert try_each_step(attempt) > 8


@pytest.mark.parametrize("what", ["file", "store", "attached"])
def test_where_the_server_ends_in_a_delete_what_is_said_to_be_gone_is_gone(try_each_step, store, what):
    async def attempt(desk, vector_store, file, number):
        assert (await desk.attach(vector_store, file)).json()["status"] == "completed"
        store.stop_before(number, dies=True)
        store.released.set()
        await desk.delete(what, vector_store, file)
        await desk.served.uncancellable.close()
        is_done = not store.reached.is_set()
        store.revive()
        if await desk.is_gone(what, vector_store, file):
            assert await desk.find(vector_store) == []
            await sweep(desk.served.site)
            await desk.check_gone(vector_store, file, (what, number))
            left = [item.path for item in store.list(f"{SPEC.name}/uploads") if file in item.path]
            assert not [path for path in left if "/attached/" in path]
        else:
            assert await desk.find(vector_store) == [file]
            assert (await desk.delete(what, vector_store, file)).status_code == 200
        return is_done

    assert try_each_step(attempt) > 5


def test_a_delete_that_ended_in_the_middle_can_be_sent_again(serve_with, store):
    async def body(served):
        desk = Desk(served)
        vector_store, file = await desk.make_store(), await desk.upload()
        await desk.attach(vector_store, file)
        store.stop_before(1, dies=True)
        store.released.set()
        assert (await desk.delete("file", vector_store, file)).status_code == 503
        store.revive()
        assert (await desk.delete("file", vector_store, file)).status_code == 200
        assert (await desk.delete("file", vector_store, file)).status_code == 404
        await desk.check_gone(vector_store, file, "again")

    serve_with(body, takes_files=True)


def test_a_file_attached_twice_at_once_is_found_once_and_deleted_everywhere(serve_with):
    async def body(served):
        desk = Desk(served)
        stores, file = [await desk.make_store() for _ in range(3)], await desk.upload()
        answers = await asyncio.gather(*(desk.attach(store, file) for store in (*stores, *stores)))
        assert {answer.json()["status"] for answer in answers} == {"completed"}
        for store in stores:
            assert await desk.find(store) == [file]
        assert len(desk.list_open(file)) == 3
        again = asyncio.gather(*(desk.attach(store, file) for store in stores))
        deletes = await asyncio.gather(*(desk.delete("file", stores[0], file) for _ in range(2)))
        await again
        assert 200 in {answer.status_code for answer in deletes}
        for store in stores:
            await desk.check_gone(store, file, store)

    serve_with(body, takes_files=True)


def test_a_file_deleted_in_the_middle_of_a_batch_does_not_hold_up_the_others(serve_with, store):
    async def body(served):
        desk = Desk(served)
        vector_store, files = await desk.make_store(), [await desk.upload() for _ in range(3)]
        store.stop_before(5)
        attaching = asyncio.create_task(
            desk.ask("POST", f"/vector_stores/{vector_store}/file_batches", json={"file_ids": files})
        )
        await wait_for(store.reached)
        deleted = await desk.delete("file", vector_store, files[1])
        store.released.set()
        batch = (await attaching).json()
        assert deleted.json()["deleted"]
        assert (batch["status"], batch["file_counts"]["completed"], batch["file_counts"]["total"]) == (
            "completed",
            2,
            2,
        )
        assert set(await desk.find(vector_store)) == {files[0], files[2]}
        assert desk.list_open(files[1]) == []

    serve_with(body, takes_files=True)


@pytest.mark.parametrize("n_writes", [3, 1])
def test_files_that_hold_much_text_are_written_one_after_the_other(serve_with, monkeypatch, n_writes):
    written = []

    async def write_audited(serving, writer, principal, write):
        if len(written) == n_writes and write.documents:
            raise StoreError(path="store", detail="it is full")
        written.append(len(write.documents))
        return await audited_write.write_audited(serving, writer, principal, write)

    async def body(served):
        desk = Desk(served)
        vector_store, files = await desk.make_store(), [await desk.upload() for _ in range(3)]
        monkeypatch.setattr(file_attachment, "_HELD_CHARACTERS", 1)
        monkeypatch.setattr(file_attachment, "write_audited", write_audited)
        body = {"file_ids": files}
        answer = await desk.ask("POST", f"/vector_stores/{vector_store}/file_batches", json=body)
        assert answer.status_code == (200 if n_writes == 3 else 503)
        assert written == [1] * n_writes
        told, statuses = ["completed"] * n_writes + ["failed"] * (3 - n_writes), {}
        async with asyncio.timeout(20):
            while "in_progress" in statuses.values() or not statuses:
                listed = (await desk.ask("GET", f"/vector_stores/{vector_store}/files")).json()["data"]
                statuses = {item["id"]: item["status"] for item in listed}
        assert statuses == dict(zip(files, told, strict=True))
        assert sorted(await desk.find(vector_store)) == sorted(files[:n_writes])

    serve_with(body, takes_files=True)


def test_a_damaged_record_of_one_owner_holds_up_no_sweep_of_another(serve_with, store):
    async def body(served):
        desk = Desk(served)
        vector_store, file = await desk.make_store(), await desk.upload()
        await desk.attach(vector_store, file)
        store.write(f"{SPEC.name}/uploads/{'0' * 32}/files/{file}.json", b"[]")
        records = [item.path for item in store.list(f"{SPEC.name}/uploads") if f"files/{file}" in item.path]
        store.delete(records[-1])
        assert desk.list_open(file) != []
        assert not await sweep(served.site)
        assert desk.list_open(file) == []

    serve_with(body, takes_files=True)


def test_sweeping_goes_on_whatever_a_sweep_ends_with(serve_with, monkeypatch):
    async def body(served):
        counts, is_over = itertools.count(1), asyncio.Event()

        async def fail(_):
            if next(counts) == 3:
                is_over.set()
            raise ValueError("no record")

        monkeypatch.setattr(upload_sweep, "sweep", fail)
        monkeypatch.setattr(upload_sweep, "_RETRY_S", 0.001)
        async with open_uploads(served.server):
            await asyncio.wait_for(is_over.wait(), 10)

    serve_with(body, takes_files=True)
