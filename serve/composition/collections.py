"""A collection that is served: what answers on it, here or elsewhere, and beside it what every server has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import ChunkerIdentity, EmbedderIdentity
from eagleray.contracts.ports import Store
from eagleray.errors import IntegrityError
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.settings import Settings
from indexes.snapshots.aliases import list_moves, read_alias
from indexes.snapshots.catalog import list_collections, load_collection
from indexes.storage import open_store
from indexes.writing.requests import Write
from serve.alias_publisher import Publisher
from serve.audit.request_recorder import RequestRecorder
from serve.audit.service import make_writer
from serve.catalog import Catalog
from serve.composition.document_writer import make_document_writer
from serve.composition.models import TextEncoders
from serve.engine.collection_pool import CollectionChoice, CollectionPool, read_choice
from serve.engine.exclusive_worker import ExclusiveWorker
from serve.engine.ports import AliasWatcherPort, AnswererPort, RankerPort
from serve.engine.publications import Publications
from serve.engine.searching import SearchPort
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import ServedCollection, Uploads
from serve.uploads.keeping import OwnRecords, list_owners
from serve.uploads.reading import UploadReader

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionBackend:
    """What answers on a collection, and takes its documents.

    Attributes:
        watcher: of its alias; started.
        searches: answers questions on its snapshots.
        answerer: asks its snapshots anything else.
        write: carries a write out, and returns the id of the snapshot that holds it.
    """

    watcher: AliasWatcherPort
    searches: SearchPort
    answerer: AnswererPort
    write: Callable[[Write], Awaitable[str]]


class Backend(Protocol):
    """What computes for a server: in its process, or in others."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Of the embedder."""
        ...

    @property
    def encoders(self) -> TextEncoders:
        """Embed the texts of callers."""
        ...

    @property
    def ranker(self) -> RankerPort | None:
        """Scores the documents of callers, where the settings name a reranker."""
        ...

    def open_collection(
        self, settings: Settings, alias: str
    ) -> AbstractAsyncContextManager[CollectionBackend]:
        """Open what answers on the settings' collection by an alias."""
        ...


def choose_collections(settings: Settings) -> CollectionChoice:
    """Return which collections the settings let a server serve."""
    return read_choice(settings.collection, settings.serve.collections)


def for_collection(settings: Settings, collection: str) -> Settings:
    """Return settings whose collection is this one."""
    return settings.model_copy(update={"collection": collection})


def open_pool(
    settings: Settings, alias: str, open_one: Callable[[str], AbstractAsyncContextManager[Held]]
) -> CollectionPool[Held]:
    """Return a pool of the collections that the settings choose, not yet started.

    Args:
        settings: name the store and the collections.
        alias: that a published collection has.
        open_one: opens one by its name.
    """
    listing = partial(_list_published, open_store(settings.store, s3=settings.s3), alias)
    return CollectionPool(choose_collections(settings), open_one, list_published=listing)


def _list_published(store: Store, alias: str, but: Container[str]) -> list[str]:
    found = (name for name in list_collections(store) if name not in but)
    return [name for name in found if _is_published(store, name, alias)]


def _is_published(store: Store, name: str, alias: str) -> bool:
    try:
        return read_alias(Collection(store, name), alias) is not None
    except IntegrityError:
        return True  # opening it says what is wrong, and keeps no other from being found


@asynccontextmanager
async def open_collection(
    settings: Settings, backend: Backend, *, alias: str
) -> AsyncIterator[ServedCollection]:
    """Open the settings' collection, served by an alias, with an audit log of its own.

    Raises:
        NotPublishedError: there is no such collection or alias.
        AuditError: the log cannot begin.
    """
    store, audit = open_store(settings.store, s3=settings.s3), make_writer(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(run_in_thread, Work.AUDIT, audit.close)  # last: all else is recorded in it
        found = await stack.enter_async_context(backend.open_collection(settings, alias))
        exclusive = ExclusiveWorker()
        stack.push_async_callback(exclusive.close)
        await run_in_thread(Work.AUDIT, audit.open)
        recorder = RequestRecorder(audit, questions=settings.audit.questions)
        yield ServedCollection(
            name=settings.collection,
            watcher=found.watcher,
            publications=_make_publications(settings, found.watcher, alias),
            searches=found.searches,
            answerer=found.answerer,
            recorder=recorder,
            counts=lambda: audit.counts,
            catalog=Catalog(settings=settings, store=store, alias=alias),
            publisher=Publisher(
                settings,
                store=store,
                alias=alias,
                watcher=found.watcher,
                exclusive=exclusive,
                recorder=recorder,
            ),
            exclusive=exclusive,
            documents=make_document_writer(settings, alias=alias, write=found.write),
            uploads=_make_uploads(settings),
        )


def _make_publications(settings: Settings, watcher: AliasWatcherPort, alias: str) -> Publications:
    store, collection = open_store(settings.store, s3=settings.s3), settings.collection

    def find_last_move() -> int:
        entry = read_alias(Collection(store, collection), alias)
        return entry.sequence if entry else 0

    return Publications(
        watcher,
        find_last=find_last_move,
        read_moves=lambda after, until: list_moves(
            Collection(store, collection), alias, after=after, until=until
        ),
        collection=collection,
        timeout_s=settings.serve.timeout_s,
    )


def _make_uploads(settings: Settings) -> Uploads:
    """Return what the routes ask."""
    store = open_store(settings.store, s3=settings.s3)
    chunker = load_collection(Collection(store, settings.collection)).chunker
    return make_uploads_of(store, settings.collection, chunker=chunker, parsing=settings.parsing)


def make_uploads_of(
    store: Store, collection: str, *, chunker: ChunkerIdentity, parsing: ParsingSettings
) -> Uploads:
    """Return what keeps the uploads of a collection; see `Uploads`."""
    return Uploads(
        open_own=lambda subject: OwnRecords(store, collection, subject=subject),
        list_owners=partial(list_owners, store, collection),
        open_folder=lambda owner: OwnRecords(store, collection, owner=owner),
        chunker=chunker,
        reader=UploadReader(parsing),
    )
