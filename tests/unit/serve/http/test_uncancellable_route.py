"""A caller who goes away in the middle, as Ray Serve tells the application: by cancelling the request."""

from __future__ import annotations

import asyncio

import pytest

from eagleray.contracts.collections import Collection
from indexes.snapshots.aliases import read_alias
from serve.uploads.keeping import OwnRecords
from tests.small_collections import SPEC
from tests.waiting import wait_until

ANN = {"authorization": "Bearer ann"}


async def send_and_go(served, path, body, *, folder):
    """Send a request, and cancel it once a record of it lies below a folder of the store."""
    prefix = f"{SPEC.name}/{folder}"
    n_before = len(list(served.store.list(prefix)))
    headers = ANN | {"idempotency-key": "k"}
    sending = asyncio.create_task(served.client.post(path, json=body, headers=headers))
    await wait_until(lambda: len(list(served.store.list(prefix))) > n_before)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await served.uncancellable.close()


def test_a_write_is_carried_out_and_recorded(serve_with):
    async def body(served):
        documents = {"documents": [{"doc_id": "x", "text": "Swap."}]}
        await send_and_go(served, f"/collections/{SPEC.name}/documents", documents, folder="writes")
        (wrote,) = served.recorded
        assert wrote.outcome == read_alias(Collection(served.store, SPEC.name), "live").snapshot

    serve_with(body, takes_files=True)


def test_a_file_that_is_being_attached_is_attached(serve_with):
    async def body(served):
        file = {"file": ("a.txt", b"A zebracoupon."), "purpose": (None, "assistants")}
        file_id = (await served.client.post("/v1/files", files=file, headers=ANN)).json()["id"]
        store = (await served.client.post("/v1/vector_stores", json={}, headers=ANN)).json()["id"]
        path = f"/v1/vector_stores/{store}/files"
        await send_and_go(served, path, {"file_id": file_id}, folder="uploads")
        own = OwnRecords(served.store, SPEC.name, subject="ann")
        assert own.attachments.find(store, file_id).is_findable

    serve_with(body, takes_files=True)
