"""What takes documents over HTTP, put together: collection, group commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from pathlib import Path

from eagleray.contracts.collections import Collection
from indexes.snapshots.catalog import load_collection
from indexes.snapshots.opened import open_snapshot
from indexes.writing.committing import Writable
from indexes.writing.requests import Write, begin_write, free_key
from serve.composition.models import Models
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import DocumentWriter


def open_writable(collection: Collection, *, alias: str, models: Models, cache: Path) -> Writable:
    """Return a collection, to be written to; the snapshot opened last stays open.

    Args:
        collection: that is written to.
        alias: that moves.
        models: embed passages, and count their tokens.
        cache: folder for copies of segments of remote stores.

    Raises:
        NotPublishedError: there is no such collection.
    """
    return Writable(
        store=collection.store,
        spec=load_collection(collection),
        alias=alias,
        embedder=models.embedder,
        counter=models.make_counter(),
        open_snapshot=lru_cache(maxsize=1)(partial(open_snapshot, collection, cache=cache)),
    )


def make_document_writer(
    collection: Collection, *, alias: str, write: Callable[[Write], Awaitable[str]]
) -> DocumentWriter:
    """Return what the routes ask.

    Args:
        collection: that is written to.
        alias: that moves.
        write: carries a request out, here or elsewhere.
    """
    begin = partial(begin_write, collection, alias=alias)
    free = partial(free_key, collection, alias=alias)
    return DocumentWriter(
        begin=lambda key, digest, now: run_in_thread(Work.WRITES, begin, key=key, digest=digest, now=now),
        free=lambda begun: run_in_thread(Work.WRITES, free, begun=begun),
        write=write,
    )
