"""What takes documents over HTTP, put together: collection, group commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial

from eagleray.chunking.counting import HuggingFaceCounter
from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Embedder
from eagleray.embedders import find_tokenizer
from eagleray.settings import Settings
from indexes.gating import find_cache
from indexes.snapshots.catalog import load_collection
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from indexes.writing.committing import Writable, commit
from indexes.writing.requests import Write, begin_write, free_key
from serve.engine.group_writing import GroupWriter
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import DocumentWriter


def open_writable(settings: Settings, *, alias: str, embedder: Embedder) -> Writable:
    """Return the settings' collection, to be written to; the snapshot opened last stays open.

    Raises:
        NotPublishedError: there is no such collection.
    """
    store, cache = open_store(settings.store, s3=settings.s3), find_cache(settings)
    opening = lru_cache(maxsize=1)(
        lambda snapshot: open_snapshot(Collection(store, settings.collection), snapshot, cache=cache)
    )
    return Writable(
        store=store,
        spec=load_collection(Collection(store, settings.collection)),
        alias=alias,
        embedder=embedder,
        counter=HuggingFaceCounter(find_tokenizer(settings.embedder)),
        open_snapshot=opening,
    )


def make_document_writer(
    settings: Settings, *, alias: str, write: Callable[[Write], Awaitable[str]]
) -> DocumentWriter:
    """Return what the routes ask.

    Args:
        settings: name the store and the collection.
        alias: that moves.
        write: carries a request out, here or elsewhere.
    """
    store = open_store(settings.store, s3=settings.s3)
    begin = partial(begin_write, Collection(store, settings.collection), alias=alias)
    free = partial(free_key, Collection(store, settings.collection), alias=alias)
    return DocumentWriter(
        begin=lambda key, digest, now: run_in_thread(Work.WRITES, begin, key=key, digest=digest, now=now),
        free=lambda begun: run_in_thread(Work.WRITES, free, begun=begun),
        write=write,
    )


def make_group(target: Writable) -> GroupWriter:
    """Return what writes in rounds."""
    return GroupWriter(partial(commit, target))
