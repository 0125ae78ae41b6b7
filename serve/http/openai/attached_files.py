"""Files of vector stores as requests see them: attached as far as a request waits, taken out, shown truly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from eagleray.chunking.config import ChunkLengths, limit_chunks
from eagleray.contracts.callers import Caller
from eagleray.errors import InputError
from indexes.writing.document_chunker import choose_chunker
from serve.http.openai.file_attachment import (
    SETTLE_S,
    Attaching,
    WantedFile,
    begin,
    clear,
    find_landed,
    finish,
    list_wanted,
)
from serve.http.openai.owned_records import UploadSite, open_own, run_own
from serve.http.openai.upload_answers import show_attached, show_store
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import Attached, Attribute, StoreRecord


def want_file(
    site: UploadSite, attributes: Mapping[str, Attribute] | None, lengths: ChunkLengths | None
) -> WantedFile:
    """Return how a file is to be attached.

    Raises:
        InputError: the collection's embedder does not read chunks of such lengths.
    """
    uploads, _ = site.require_uploads()
    try:
        limit_chunks(choose_chunker(uploads.chunker), lengths)
    except InputError as error:
        detail = f"chunking_strategy: {error}, in tokens of this collection's embedder"
        raise InputError(detail=detail, param="chunking_strategy") from error
    return WantedFile(attributes=attributes or {}, lengths=lengths)


async def attach(
    site: UploadSite, caller: Caller, store_id: str, files: Mapping[str, WantedFile], *, batch_id: str = ""
) -> list[Attached]:
    """Return the attempts to attach files, once they have ended, or their time is up and they go on.

    Raises:
        EagleRayError: as `begin` and `finish` say.
    """
    attaching = await begin(site, caller, store_id, files, batch_id=batch_id)
    return await end(site, attaching)


async def end(site: UploadSite, attaching: Attaching) -> list[Attached]:
    """Return begun attempts once they have ended, or their time is up and they go on.

    Raises:
        EagleRayError: as `finish` says.
    """
    uploads, _ = site.require_uploads()
    finishing = asyncio.create_task(site.parts.uncancellable.run(finish(site, attaching)))
    await asyncio.wait({finishing}, timeout=uploads.patience_s)
    if finishing.done():
        found = finishing.result()
        await find_landed(site, found, timeout_s=SETTLE_S)
        return found
    finishing.add_done_callback(_look_at)
    return await run_own(list_wanted, attaching)


async def detach(site: UploadSite, caller: Caller, attached: Attached) -> None:
    """Take a file out of a vector store, with every attempt to put it there that was begun.

    Raises:
        EagleRayError: its documents could not be closed; they are found by nobody, and closed later.
    """
    own = open_own(site, caller)

    def remove() -> None:
        for item in own.attachments.list_attempts(attached.store_id, files={attached.file_id}):
            own.attachments.remove(item)

    await run_own(remove)
    await clear(site, caller.principal, own, attached.store_id, files={attached.file_id})


async def show_one(site: UploadSite, attached: Attached) -> dict[str, Any]:
    """Show a file of a vector store as it is."""
    return show_attached(attached, await find_landed(site, [attached]))


async def show_whole(site: UploadSite, own: OwnRecords, store: StoreRecord) -> dict[str, Any]:
    """Show a vector store with the files it has."""
    attached = [] if store.is_expired else await run_own(list_attached, own, store.store_id)
    return show_store(store, attached, await find_landed(site, attached))


def list_attached(own: OwnRecords, store_id: str = "") -> list[Attached]:
    """Return what is attached to a vector store, or to all, as it is shown."""
    return own.attachments.list_shown(store_id, files=own.list_file_ids())


def _look_at(task: asyncio.Task[Any]) -> None:
    """Look at how work ended for which nobody waits any more; the records say it."""
    if not task.cancelled():
        task.exception()
