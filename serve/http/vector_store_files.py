"""Files in a vector store, one or many at a time, in OpenAI's shape.

Source: OpenAI's API reference, `/v1/vector_stores/{vector_store_id}/files` and `/file_batches`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query

from serve.engine.threads import Work, run_in_thread
from serve.http.access import Inspecting, Served, Writing
from serve.http.answer_models import answered
from serve.http.attaching import attach, detach
from serve.http.completed import CompletedRoute
from serve.http.owned_records import open_own
from serve.http.upload_answers import (
    AttachedAnswer,
    AttachedPageAnswer,
    BatchAnswer,
    DeletedAnswer,
    find_status,
    show_attached,
    show_batch,
    show_deleted,
    show_page,
)
from serve.http.upload_bodies import AttachBody, AttributesBody, BatchBody, read_page
from serve.uploads.keeping import OwnRecords
from serve.uploads.paging import Wanted
from serve.uploads.records import AttachedRecord, BatchRecord, StoreRecord, make_name

FILES: Final = "/v1/vector_stores/{store_id}/files"
ONE: Final = FILES + "/{file_id}"
BATCHES: Final = "/v1/vector_stores/{store_id}/file_batches"
BATCH: Final = BATCHES + "/{batch_id}"

router = APIRouter(tags=["vector stores"], route_class=CompletedRoute)

Page = Annotated[Wanted, Depends(read_page)]
Status = Annotated[Literal["in_progress", "completed", "failed", "cancelled"] | None, Query(alias="filter")]


@router.post(FILES, summary="Attach a file", response_model=None, responses=answered(AttachedAnswer))
async def attach_file(store_id: str, body: AttachBody, caller: Writing, serving: Served) -> dict[str, Any]:
    """Put a file into a vector store; answered once it can be found, or is refused."""
    (record,) = await attach(serving, caller, store_id, {body.file_id: body.attributes or {}})
    return show_attached(record)


@router.get(
    FILES, summary="The files of a vector store", response_model=None, responses=answered(AttachedPageAnswer)
)
async def list_attached(
    store_id: str, wanted: Page, caller: Inspecting, serving: Served, status: Status = None
) -> dict[str, Any]:
    """List them."""
    own = open_own(serving, caller)
    await run_in_thread(Work.UPLOADS, own.find, StoreRecord, store_id)
    return _show(await run_in_thread(Work.UPLOADS, own.list, AttachedRecord, store_id), wanted, status)


@router.get(ONE, summary="A file of a vector store", response_model=None, responses=answered(AttachedAnswer))
async def retrieve_attached(
    store_id: str, file_id: str, caller: Inspecting, serving: Served
) -> dict[str, Any]:
    """Show it."""
    own = open_own(serving, caller)
    return show_attached(await run_in_thread(Work.UPLOADS, own.find, AttachedRecord, store_id, file_id))


@router.post(ONE, summary="Change attributes", response_model=None, responses=answered(AttachedAnswer))
async def update_attached(
    store_id: str, file_id: str, body: AttributesBody, caller: Writing, serving: Served
) -> dict[str, Any]:
    """Give a file of a vector store other attributes."""
    own = open_own(serving, caller)
    found = await run_in_thread(Work.UPLOADS, own.find, AttachedRecord, store_id, file_id)
    record = replace(found, attributes=body.attributes or {})
    await run_in_thread(Work.UPLOADS, own.put, record)
    return show_attached(record)


@router.delete(ONE, summary="Detach a file", response_model=None, responses=answered(DeletedAnswer))
async def detach_file(store_id: str, file_id: str, caller: Writing, serving: Served) -> dict[str, Any]:
    """Take a file out of a vector store; the file stays."""
    own = open_own(serving, caller)
    record = await run_in_thread(Work.UPLOADS, own.find, AttachedRecord, store_id, file_id)
    await detach(serving, caller, [record])
    return show_deleted(file_id, "vector_store.file")


@router.post(BATCHES, summary="Attach files", response_model=None, responses=answered(BatchAnswer))
async def attach_files(store_id: str, body: BatchBody, caller: Writing, serving: Served) -> dict[str, Any]:
    """Put files into a vector store together; answered once they can be found, or are refused."""
    own, files = open_own(serving, caller), body.list_files()
    attached = await attach(serving, caller, store_id, files)
    batch = BatchRecord(
        store_id=store_id,
        batch_id=make_name("vsfb_"),
        created=time.time_ns() // 1_000,
        file_ids=tuple(files),
    )
    await run_in_thread(Work.UPLOADS, own.put, batch)
    return show_batch(batch, attached)


@router.get(BATCH, summary="A batch of files", response_model=None, responses=answered(BatchAnswer))
async def retrieve_batch(store_id: str, batch_id: str, caller: Inspecting, serving: Served) -> dict[str, Any]:
    """Show how far it is."""
    own = open_own(serving, caller)
    return show_batch(*await run_in_thread(Work.UPLOADS, _find_batch, own, store_id, batch_id))


@router.post(
    BATCH + "/cancel",
    summary="A batch of files that nobody waits for any more",
    response_model=None,
    responses=answered(BatchAnswer),
)
async def cancel_batch(store_id: str, batch_id: str, caller: Writing, serving: Served) -> dict[str, Any]:
    """Show how it ended: a batch is answered once its files are attached, so nothing of it is left to end."""
    own = open_own(serving, caller)
    return show_batch(*await run_in_thread(Work.UPLOADS, _find_batch, own, store_id, batch_id))


@router.get(
    BATCH + "/files",
    summary="The files of a batch",
    response_model=None,
    responses=answered(AttachedPageAnswer),
)
async def list_batch(
    store_id: str, batch_id: str, wanted: Page, caller: Inspecting, serving: Served, status: Status = None
) -> dict[str, Any]:
    """List them."""
    own = open_own(serving, caller)
    _, attached = await run_in_thread(Work.UPLOADS, _find_batch, own, store_id, batch_id)
    return _show(attached, wanted, status)


def _find_batch(own: OwnRecords, store_id: str, batch_id: str) -> tuple[BatchRecord, list[AttachedRecord]]:
    batch = own.find(BatchRecord, store_id, batch_id)
    wanted = set(batch.file_ids)
    return batch, [record for record in own.list(AttachedRecord, store_id) if record.file_id in wanted]


def _show(attached: Sequence[AttachedRecord], wanted: Wanted, status: str | None) -> dict[str, Any]:
    found = [record for record in attached if status in (None, find_status(record))]
    return show_page(found, wanted, name=lambda record: record.file_id, show=show_attached)
