"""Vector stores of a caller, in OpenAI's shape: names for files that are searched together.

Source: OpenAI's API reference, `/v1/vector_stores`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends

from eagleray.errors import NotPublishedError
from serve.http.access import Inspecting, Writing
from serve.http.answer_models import answered
from serve.http.openai.attached_files import attach, list_attached, show_whole, want_file
from serve.http.openai.file_attachment import clear, find_landed
from serve.http.openai.owned_records import Site, open_own, record_file_use, run_own
from serve.http.openai.upload_answers import (
    DeletedStoreAnswer,
    StoreAnswer,
    StoresAnswer,
    show_deleted,
    show_page,
    show_store,
)
from serve.http.openai.upload_bodies import StoreBody, StoreChangeBody, read_lengths, read_page
from serve.http.uncancellable_route import UncancellableRoute
from serve.uploads.keeping import OwnRecords
from serve.uploads.paging import PageBounds, WantedPage, find_bounds
from serve.uploads.records import Attached, StoreRecord, StoreTerms, make_name, read_clock

PATH: Final = "/v1/vector_stores"
ONE: Final = PATH + "/{vector_store_id}"

router = APIRouter(tags=["vector stores"], route_class=UncancellableRoute)


@router.post(PATH, summary="Make a vector store", response_model=None, responses=answered(StoreAnswer))
async def create_vector_store(body: StoreBody, caller: Writing, site: Site) -> dict[str, Any]:
    """Make one; answered once its files can be found, or after some seconds."""
    own = open_own(site, caller)
    wanted = want_file(site, None, read_lengths(body.chunking_strategy))
    terms = StoreTerms(
        name=body.name,
        description=body.description,
        metadata=body.metadata or {},
        n_days=body.expires_after.days if body.expires_after else 0,
    )
    store = StoreRecord(store_id=make_name("vs_"), created=read_clock(), terms=terms)
    for file_id in body.file_ids:
        await run_own(own.find_file, file_id)
    parameters = {"vector_store": store.store_id}
    async with record_file_use(site, caller, "create_vector_store", parameters=parameters):
        await run_own(own.add_store, store)
    if body.file_ids:
        await attach(site, caller, store.store_id, dict.fromkeys(body.file_ids, wanted))
    return await show_whole(site, own, store)


@router.get(PATH, summary="The caller's vector stores", response_model=None, responses=answered(StoresAnswer))
async def list_vector_stores(
    wanted: Annotated[WantedPage, Depends(read_page)], caller: Inspecting, site: Site
) -> dict[str, Any]:
    """List them."""
    stores, attached, bounds = await run_own(_list_all, open_own(site, caller), wanted)
    landed = await find_landed(site, [item for items in attached.values() for item in items])
    return show_page(
        stores,
        wanted,
        bounds,
        show=lambda store: show_store(store, attached[store.store_id], landed),
    )


@router.get(ONE, summary="One of the vector stores", response_model=None, responses=answered(StoreAnswer))
async def retrieve_vector_store(vector_store_id: str, caller: Inspecting, site: Site) -> dict[str, Any]:
    """Show it."""
    own = open_own(site, caller)
    return await show_whole(site, own, await run_own(own.find_store, vector_store_id))


@router.post(ONE, summary="Change a vector store", response_model=None, responses=answered(StoreAnswer))
async def modify_vector_store(
    vector_store_id: str, body: StoreChangeBody, caller: Writing, site: Site
) -> dict[str, Any]:
    """Give it another name, other metadata or another time after which it goes."""
    own = open_own(site, caller)
    found = await run_own(own.find_store, vector_store_id, is_expired=False)
    terms = found.terms
    if body.name is not None:
        terms = replace(terms, name=body.name)
    if body.metadata is not None:
        terms = replace(terms, metadata=body.metadata)
    if "expires_after" in body.model_fields_set:
        terms = replace(terms, n_days=body.expires_after.days if body.expires_after else 0)
    await run_own(own.put_terms, vector_store_id, terms)
    await run_own(own.touch_store, found)
    changed = await run_own(own.find_store, vector_store_id)  # not there where it was deleted meanwhile
    return await show_whole(site, own, changed)


@router.delete(
    ONE, summary="Delete a vector store", response_model=None, responses=answered(DeletedStoreAnswer)
)
async def delete_vector_store(vector_store_id: str, caller: Writing, site: Site) -> dict[str, Any]:
    """Remove it, and take all files out of it; the files stay."""
    own, parameters = open_own(site, caller), {"vector_store": vector_store_id[:64]}
    async with record_file_use(site, caller, "delete_vector_store", parameters=parameters):
        was_there = await run_own(own.delete_store, vector_store_id)
        n_left = await clear(site, caller.principal, own, vector_store_id)
        if not (was_there or n_left):
            raise NotPublishedError(name=vector_store_id, detail="you have nothing of this name here")
    return show_deleted(vector_store_id, "vector_store")


def _list_all(
    own: OwnRecords, wanted: WantedPage
) -> tuple[list[StoreRecord], dict[str, list[Attached]], PageBounds]:
    stores, attached = own.list_stores(), defaultdict[str, list[Attached]](list)
    expired = {store.store_id for store in stores if store.is_expired}
    for item in list_attached(own):
        if item.store_id not in expired:
            attached[item.store_id].append(item)
    return stores, attached, find_bounds(stores, wanted, find_gone=own.find_gone)
