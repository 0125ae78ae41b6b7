"""Sweeps: what deletes, attachments and uploads left that ended in the middle, and what has expired.

Any number of servers may sweep at once, and while all else goes on. What is removed is found by nobody
already; an object that something under way may still need is left for a later sweep.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from eagleray.contracts.principals import Principal
from eagleray.errors import EagleRayError
from eagleray.logs import get_logger
from serve.http.openai.file_attachment import clear
from serve.http.openai.owned_records import UploadParts, UploadSite, choose_parts, run_own
from serve.http.serving import Server
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import WRITING_US, read_clock

_EVERY_S: Final = 600.0
_RETRY_S: Final = 30.0
_SWEEPER: Final = Principal(subject="eagleray:sweep")
"""Who closes documents that a sweep finds, as the audit log says."""

_log = get_logger()


@asynccontextmanager
async def open_uploads(server: Server) -> AsyncIterator[UploadParts]:
    """Give what routes of files are given of a server, and sweep now and then, the first time at once."""
    parts = choose_parts(server)
    sweeping = asyncio.create_task(_keep_sweeping(parts))
    try:
        yield parts
    finally:
        sweeping.cancel()  # a sweep under way ends in the middle, as after a crash
        with suppress(asyncio.CancelledError):
            await sweeping


async def _keep_sweeping(parts: UploadParts) -> None:
    wait_s = _RETRY_S
    while True:
        try:
            is_whole = await sweep(UploadSite(parts=parts, found=parts.collections.default))
        except Exception as error:  # noqa: BLE001 - told by the log, and tried again until the server ends
            _log.warning("sweep_failed", error=type(error).__name__)
            is_whole = False
        wait_s = _EVERY_S if is_whole else wait_s
        await asyncio.sleep(wait_s)
        wait_s = _RETRY_S if is_whole else min(2.0 * wait_s, _EVERY_S)


async def sweep(site: UploadSite) -> bool:
    """Sweep the records of all owners once, if files are taken at all; return whether all could be swept.

    What one owner's damaged record holds up is told by the log, and holds up nobody else's.

    Raises:
        EagleRayError: the owners cannot be listed.
    """
    if site.found is None or site.found.uploads is None or site.found.documents is None:
        return True
    uploads, is_whole = site.found.uploads, True
    for owner in await run_own(uploads.list_owners):
        try:
            await _sweep_own(site, uploads.open_folder(owner), owner=owner)
        except EagleRayError as error:
            _log.warning("sweep_failed", owner=owner, error=type(error).__name__)
            is_whole = False
    return is_whole


async def _sweep_own(site: UploadSite, own: OwnRecords, *, owner: str) -> None:
    await run_own(_remove_expired, own)
    n_attempts = await clear(site, _SWEEPER, own)
    n_names = await run_own(_remove_left, own)
    if n_attempts or n_names:
        _log.info("uploads_swept", owner=owner, n_attempts=n_attempts, n_names=n_names)


def _remove_expired(own: OwnRecords) -> None:
    """Remove what has expired; vector stores are found to be expired by being looked at."""
    for file_id in own.list_file_ids():
        if not own.has_file(file_id):
            own.delete_file(file_id)
    own.list_stores()
    own.responses.remove_expired()
    own.forget_gone()


def _remove_left(own: OwnRecords) -> int:
    """Remove bytes without a file, and what lies beside a vector store that is gone; return how many."""
    n_removed, long_ago = 0, read_clock() - WRITING_US
    files = own.list_file_ids()
    for file_id, changed in own.list_contents():
        if file_id not in files and changed < long_ago:
            n_removed += own.delete_file(file_id)
    stores = {store.store_id for store in own.list_stores()}
    for store_id, changed in own.list_store_names().items():
        if store_id not in stores and changed < long_ago:
            n_removed += own.delete_store(store_id)
    return n_removed
