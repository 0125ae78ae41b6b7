"""What takes documents over HTTP, put together: collection, group commit, a record of each write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, Final

from eagleray.chunking.counting import HuggingFaceCounter
from eagleray.contracts.ports import Embedder
from eagleray.embedders import find_tokenizer
from eagleray.settings import Settings
from indexes.gating import find_cache
from indexes.snapshots.catalog import load_collection
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from indexes.writing.committing import Writable, commit
from indexes.writing.requests import Write, begin_write, free_key
from serve.audit.entries import Asked, Told, record_request
from serve.audit.writing import AuditWriter
from serve.engine.group_writing import GroupWriter
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import DocumentWriter, Wrote

WRITE: Final = "write"
"""Name of the action in the audit log."""


def open_writable(settings: Settings, *, alias: str, embedder: Embedder) -> Writable:
    """Return the settings' collection, to be written to; the snapshot opened last stays open.

    Raises:
        NotPublishedError: there is no such collection.
    """
    store, cache = open_store(settings.store, s3=settings.s3), find_cache(settings)
    opening = lru_cache(maxsize=1)(
        lambda snapshot: open_snapshot(store, settings.collection, snapshot, cache=cache)
    )
    return Writable(
        store=store,
        spec=load_collection(store, settings.collection),
        alias=alias,
        embedder=embedder,
        counter=HuggingFaceCounter(find_tokenizer(settings.embedder)),
        open_snapshot=opening,
    )


def make_document_writer(
    settings: Settings, *, alias: str, write: Callable[[Write], Awaitable[str]], audit: AuditWriter
) -> DocumentWriter:
    """Return what the routes ask.

    Args:
        settings: name the store and the collection.
        alias: that moves.
        write: carries a request out, here or elsewhere.
        audit: keeps a record of each.
    """
    store = open_store(settings.store, s3=settings.s3)
    begin = partial(begin_write, store, settings.collection, alias=alias)
    free = partial(free_key, store, settings.collection, alias=alias)

    async def record(wrote: Wrote) -> None:
        await run_in_thread(Work.WRITES, _record, audit, settings, wrote)

    return DocumentWriter(
        begin=lambda key, digest, now: run_in_thread(Work.WRITES, begin, key=key, digest=digest, now=now),
        free=lambda begun: run_in_thread(Work.WRITES, free, begun=begun),
        write=write,
        record=record,
    )


def make_group(target: Writable) -> GroupWriter:
    """Return what writes in rounds."""
    return GroupWriter(partial(commit, target))


def _record(audit: AuditWriter, settings: Settings, wrote: Wrote) -> None:
    write = wrote.write
    names: dict[str, Any] = {
        "documents": [document.doc_id for document in write.documents],
        "removed": list(write.removed),
    }
    versions = [document.version for document in write.documents]
    asked = Asked(
        action=WRITE,
        principal=wrote.principal,
        parameters={"write": write.begun.name, "versions": versions, "n_removed": len(write.removed)},
        texts=names,
        request_id=wrote.request_id,
    )
    told = Told(snapshot=wrote.outcome) if isinstance(wrote.outcome, str) else wrote.outcome
    audit.append(record_request(asked, told, questions=settings.audit.questions, latency_us=wrote.latency_us))
