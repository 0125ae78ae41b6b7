"""Vector stores of a caller, in OpenAI's shape: names for files that are searched together.

Source: OpenAI's API reference, `/v1/vector_stores`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends

from serve.engine.threads import Work, run_in_thread
from serve.http.access import Inspecting, Served, Writing
from serve.http.answer_models import answered
from serve.http.attaching import attach, detach
from serve.http.completed import CompletedRoute
from serve.http.owned_records import open_own, record_use
from serve.http.upload_answers import (
    DeletedAnswer,
    StoreAnswer,
    StoresAnswer,
    show_deleted,
    show_page,
    show_store,
)
from serve.http.upload_bodies import StoreBody, StoreChangeBody, read_page
from serve.uploads.keeping import OwnRecords
from serve.uploads.paging import Wanted
from serve.uploads.records import AttachedRecord, BatchRecord, FileRecord, StoreRecord, make_name

PATH: Final = "/v1/vector_stores"
ONE: Final = PATH + "/{store_id}"

router = APIRouter(tags=["vector stores"], route_class=CompletedRoute)


@router.post(PATH, summary="Make a vector store", response_model=None, responses=answered(StoreAnswer))
async def create_vector_store(body: StoreBody, caller: Writing, serving: Served) -> dict[str, Any]:
    """Make one; answered once its files can be found."""
    own = open_own(serving, caller)
    store = StoreRecord(
        store_id=make_name("vs_"),
        created=time.time_ns() // 1_000,
        name=body.name or "",
        description=body.description or "",
        metadata=body.metadata or {},
    )
    for file_id in body.file_ids:
        await run_in_thread(Work.UPLOADS, own.find, FileRecord, file_id)
    async with record_use(
        serving, caller, "create_vector_store", parameters={"vector_store": store.store_id}
    ):
        await run_in_thread(Work.UPLOADS, own.put, store)
    attached = []
    if body.file_ids:
        attached = await attach(serving, caller, store.store_id, {file_id: {} for file_id in body.file_ids})
    return show_store(store, attached)


@router.get(PATH, summary="The caller's vector stores", response_model=None, responses=answered(StoresAnswer))
async def list_vector_stores(
    wanted: Annotated[Wanted, Depends(read_page)], caller: Inspecting, serving: Served
) -> dict[str, Any]:
    """List them."""
    stores, attached = await run_in_thread(Work.UPLOADS, _list_all, open_own(serving, caller))
    return show_page(
        stores,
        wanted,
        name=lambda store: store.store_id,
        show=lambda store: show_store(store, attached[store.store_id]),
    )


@router.get(ONE, summary="One of the vector stores", response_model=None, responses=answered(StoreAnswer))
async def retrieve_vector_store(store_id: str, caller: Inspecting, serving: Served) -> dict[str, Any]:
    """Show it."""
    return show_store(*await run_in_thread(Work.UPLOADS, _find, open_own(serving, caller), store_id))


@router.post(ONE, summary="Change a vector store", response_model=None, responses=answered(StoreAnswer))
async def modify_vector_store(
    store_id: str, body: StoreChangeBody, caller: Writing, serving: Served
) -> dict[str, Any]:
    """Give it another name or other metadata."""
    own = open_own(serving, caller)
    store, attached = await run_in_thread(Work.UPLOADS, _find, own, store_id)
    if body.name is not None:
        store = replace(store, name=body.name)
    if body.metadata is not None:
        store = replace(store, metadata=body.metadata)
    await run_in_thread(Work.UPLOADS, own.put, store)
    return show_store(store, attached)


@router.delete(ONE, summary="Delete a vector store", response_model=None, responses=answered(DeletedAnswer))
async def delete_vector_store(store_id: str, caller: Writing, serving: Served) -> dict[str, Any]:
    """Take all files out of it, and remove it; the files stay."""
    own = open_own(serving, caller)
    async with record_use(serving, caller, "delete_vector_store", parameters={"vector_store": store_id[:64]}):
        store, attached = await run_in_thread(Work.UPLOADS, _find, own, store_id)
        await detach(serving, caller, attached)
        for batch in await run_in_thread(Work.UPLOADS, own.list, BatchRecord, store_id):
            await run_in_thread(Work.UPLOADS, own.remove, batch)
        await run_in_thread(Work.UPLOADS, own.remove, store)
    return show_deleted(store_id, "vector_store")


def _find(own: OwnRecords, store_id: str) -> tuple[StoreRecord, list[AttachedRecord]]:
    return own.find(StoreRecord, store_id), own.list(AttachedRecord, store_id)


def _list_all(own: OwnRecords) -> tuple[list[StoreRecord], dict[str, list[AttachedRecord]]]:
    attached = defaultdict(list)
    for record in own.list(AttachedRecord):
        attached[record.store_id].append(record)
    return own.list(StoreRecord), attached
