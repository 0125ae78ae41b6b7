"""Files in a vector store, one or many at a time, in OpenAI's shape.

Source: OpenAI's API reference, `/v1/vector_stores/{vector_store_id}/files` and `/file_batches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query

from eagleray.errors import NotPublishedError
from serve.http.access import Inspecting, Writing
from serve.http.answer_models import answered
from serve.http.openai.attached_files import attach, detach, end, list_attached, show_one, want_file
from serve.http.openai.file_attachment import WantedFile, begin, clear, find_landed
from serve.http.openai.owned_records import Site, UploadSite, open_own, run_own
from serve.http.openai.upload_answers import (
    AttachedAnswer,
    AttachedPageAnswer,
    DeletedAttachedAnswer,
    FileBatchAnswer,
    find_status,
    show_attached,
    show_batch,
    show_deleted,
    show_page,
)
from serve.http.openai.upload_bodies import AttachBody, AttributesBody, FileBatchBody, read_lengths, read_page
from serve.http.uncancellable_route import UncancellableRoute
from serve.uploads.keeping import OwnRecords
from serve.uploads.paging import WantedPage, find_bounds
from serve.uploads.records import Attached, BatchRecord, make_name, read_clock

FILES: Final = "/v1/vector_stores/{vector_store_id}/files"
ONE: Final = FILES + "/{file_id}"
BATCHES: Final = "/v1/vector_stores/{vector_store_id}/file_batches"
BATCH: Final = BATCHES + "/{batch_id}"

router = APIRouter(tags=["vector stores"], route_class=UncancellableRoute)

Page = Annotated[WantedPage, Depends(read_page)]
Status = Annotated[
    Literal["in_progress", "completed", "failed", "cancelled"] | None, Query(alias="filter", description="")
]


@router.post(FILES, summary="Attach a file", response_model=None, responses=answered(AttachedAnswer))
async def attach_file(vector_store_id: str, body: AttachBody, caller: Writing, site: Site) -> dict[str, Any]:
    """Put a file into a vector store; answered once it can be found, or is refused, or after some seconds."""
    wanted = want_file(site, body.attributes, read_lengths(body.chunking_strategy))
    attached = await attach(site, caller, vector_store_id, {body.file_id: wanted})
    if not attached:
        raise NotPublishedError(name=body.file_id, detail="it was deleted or detached while it was attached")
    return await show_one(site, attached[0])


@router.get(
    FILES, summary="The files of a vector store", response_model=None, responses=answered(AttachedPageAnswer)
)
async def list_attached_files(
    vector_store_id: str, wanted: Page, caller: Inspecting, site: Site, status: Status = None
) -> dict[str, Any]:
    """List them; one that has expired has none."""
    own = open_own(site, caller)
    store = await run_own(own.find_store, vector_store_id)
    attached = [] if store.is_expired else await run_own(list_attached, own, vector_store_id)
    return await _show_page(
        site, own, attached, _Part(store_id=vector_store_id, wanted=wanted, status=status)
    )


@router.get(ONE, summary="A file of a vector store", response_model=None, responses=answered(AttachedAnswer))
async def retrieve_attached(
    vector_store_id: str, file_id: str, caller: Inspecting, site: Site
) -> dict[str, Any]:
    """Show it."""
    return await show_one(site, await _find(open_own(site, caller), vector_store_id, file_id))


@router.post(ONE, summary="Change attributes", response_model=None, responses=answered(AttachedAnswer))
async def update_attached(
    vector_store_id: str, file_id: str, body: AttributesBody, caller: Writing, site: Site
) -> dict[str, Any]:
    """Give a file of a vector store other attributes."""
    own = open_own(site, caller)
    found = await _find(own, vector_store_id, file_id)
    await run_own(own.attachments.put_attributes, found, body.attributes or {})
    return await show_one(site, await _find(own, vector_store_id, file_id))


@router.delete(ONE, summary="Detach a file", response_model=None, responses=answered(DeletedAttachedAnswer))
async def detach_file(vector_store_id: str, file_id: str, caller: Writing, site: Site) -> dict[str, Any]:
    """Take a file out of a vector store; the file stays."""
    await detach(site, caller, await _find(open_own(site, caller), vector_store_id, file_id))
    return show_deleted(file_id, "vector_store.file")


@router.post(BATCHES, summary="Attach files", response_model=None, responses=answered(FileBatchAnswer))
async def attach_files(
    vector_store_id: str, body: FileBatchBody, caller: Writing, site: Site
) -> dict[str, Any]:
    """Put files into a vector store together; answered once they can be found, or after some seconds."""
    own, files = open_own(site, caller), _list_wanted(site, body)
    batch = BatchRecord(store_id=vector_store_id, batch_id=make_name("vsfb_"), created=read_clock())
    attaching = await begin(site, caller, vector_store_id, files, batch_id=batch.batch_id)
    await run_own(own.add_batch, batch)
    return await _show_batch(site, batch, await end(site, attaching))


@router.get(BATCH, summary="A batch of files", response_model=None, responses=answered(FileBatchAnswer))
async def retrieve_batch(
    vector_store_id: str, batch_id: str, caller: Inspecting, site: Site
) -> dict[str, Any]:
    """Show how far it is."""
    own = open_own(site, caller)
    return await _show_batch(site, *await run_own(_find_batch, own, vector_store_id, batch_id))


@router.post(
    BATCH + "/cancel",
    summary="A batch of files that nobody waits for any more",
    response_model=None,
    responses=answered(FileBatchAnswer),
)
async def cancel_batch(vector_store_id: str, batch_id: str, caller: Writing, site: Site) -> dict[str, Any]:
    """Attach no more of its files; those that were attached stay, and so does a batch that is done."""
    own = open_own(site, caller)
    batch, attached = await run_own(_find_batch, own, vector_store_id, batch_id)
    waiting = [item for item in attached if not (item.snapshot or item.error_code or item.is_cancelled)]
    if waiting:
        await run_own(own.cancel_batch, batch)
        for item in waiting:
            await run_own(own.attachments.cancel, item)
        files = {item.file_id for item in waiting}
        await clear(site, caller.principal, own, vector_store_id, files=files)
    return await _show_batch(site, *await run_own(_find_batch, own, vector_store_id, batch_id))


@router.get(
    BATCH + "/files",
    summary="The files of a batch",
    response_model=None,
    responses=answered(AttachedPageAnswer),
)
async def list_batch(
    vector_store_id: str,
    batch_id: str,
    wanted: Page,
    caller: Inspecting,
    site: Site,
    status: Status = None,
) -> dict[str, Any]:
    """List them."""
    own = open_own(site, caller)
    _, attached = await run_own(_find_batch, own, vector_store_id, batch_id)
    return await _show_page(
        site, own, attached, _Part(store_id=vector_store_id, wanted=wanted, status=status)
    )


def _list_wanted(site: UploadSite, body: FileBatchBody) -> dict[str, WantedFile]:
    """Return file id -> how it is attached."""
    if body.files:
        return {
            item.file_id: want_file(site, item.attributes, read_lengths(item.chunking_strategy))
            for item in body.files
        }
    wanted = want_file(site, body.attributes, read_lengths(body.chunking_strategy))
    return dict.fromkeys(body.file_ids, wanted)


async def _find(own: OwnRecords, store_id: str, file_id: str) -> Attached:
    """Return what is shown of a file in a vector store; both are there."""

    def find() -> Attached:
        own.find_store(store_id, is_expired=False)
        own.find_file(file_id)
        return own.attachments.find(store_id, file_id)

    return await run_own(find)


def _find_batch(own: OwnRecords, store_id: str, batch_id: str) -> tuple[BatchRecord, list[Attached]]:
    batch = own.find_batch(store_id, batch_id)
    return batch, [item for item in list_attached(own, store_id) if item.batch_id == batch_id]


async def _show_batch(site: UploadSite, batch: BatchRecord, attached: Sequence[Attached]) -> dict[str, Any]:
    return show_batch(batch, attached, await find_landed(site, attached))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Which part of the files of a vector store is wanted, and of those only which."""

    store_id: str
    wanted: WantedPage
    status: str | None


async def _show_page(
    site: UploadSite, own: OwnRecords, attached: Sequence[Attached], part: _Part
) -> dict[str, Any]:
    find_gone = partial(own.attachments.find_gone, part.store_id)
    bounds = await run_own(find_bounds, attached, part.wanted, find_gone=find_gone)
    landed = await find_landed(site, attached)
    found = [item for item in attached if part.status in (None, find_status(item, landed))]
    return show_page(found, part.wanted, bounds, show=lambda item: show_attached(item, landed))
