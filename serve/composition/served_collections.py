"""Collections as callers are served them: what answers, here or elsewhere, and all that stands beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import ChunkerIdentity
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.settings import Settings
from indexes.gating import SnapshotGate
from indexes.snapshots.aliases import list_moves, read_alias
from indexes.snapshots.catalog import load_collection
from serve.alias_publisher import Publisher
from serve.audit.audit_writer import AuditWriter
from serve.audit.request_kinds import RequestKinds
from serve.audit.request_recorder import RequestRecorder
from serve.audit.service import make_writer, open_audit_store
from serve.catalog import Catalog
from serve.composition.backend import Backend
from serve.composition.document_writer import make_document_writer
from serve.composition.stored_collections import StoredCollections
from serve.engine.exclusive_worker import ExclusiveWorker
from serve.engine.ports import AliasWatcherPort
from serve.engine.publications import Publications
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import CollectionAdministration, ServedCollection
from serve.http.uploads import Uploads
from serve.uploads.keeping import OwnRecords, list_owners
from serve.uploads.reading import UploadReader
from serve.uploads.responses import ResponseLimits


class CollectionOpener:
    """Opens collections for callers, each with an audit log of its own."""

    def __init__(
        self, settings: Settings, stored: StoredCollections, *, backend: Backend, kinds: RequestKinds
    ) -> None:
        """Take the parts.

        Args:
            settings: of the server.
            stored: where the collections lie.
            backend: answers on them.
            kinds: of requests that are recorded.
        """
        self._settings, self._stored = settings, stored
        self._backend, self._kinds = backend, kinds

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[ServedCollection]:
        """Open a collection for the length of a block.

        Raises:
            NotPublishedError: there is no such collection or alias.
            AuditError: the log cannot begin.
        """
        settings, alias, collection = self._settings, self._stored.alias, self._stored.locate(name)
        audit = self._make_audit_writer(name)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(run_in_thread, Work.AUDIT, audit.close)  # last: it records all else
            answering = await stack.enter_async_context(self._backend.open_collection(name))
            exclusive = ExclusiveWorker()
            stack.push_async_callback(exclusive.close)
            await run_in_thread(Work.AUDIT, audit.open)
            recorder = RequestRecorder(audit, questions=settings.audit.questions, kinds=self._kinds)
            publisher = Publisher(
                collection,
                alias=alias,
                watcher=answering.watcher,
                exclusive=exclusive,
                recorder=recorder,
                move=SnapshotGate.choose(settings.gate, cache=settings.cache_folder).publish,
            )
            yield ServedCollection(
                name=name,
                watcher=answering.watcher,
                publications=self._make_publications(collection, answering.watcher),
                searches=answering.searches,
                answerer=answering.answerer,
                recorder=recorder,
                administration=CollectionAdministration(
                    catalog=Catalog(collection=collection, alias=alias, cache=settings.cache_folder),
                    publisher=publisher,
                    exclusive=exclusive,
                ),
                documents=make_document_writer(collection, alias=alias, write=answering.write),
                uploads=make_uploads(
                    collection,
                    chunker=load_collection(collection).chunker,
                    parsing=settings.parsing,
                    responses=ResponseLimits(
                        n_days=settings.serve.response_days, most=settings.serve.max_responses
                    ),
                ),
            )

    def _make_audit_writer(self, name: str) -> AuditWriter:
        settings = self._settings
        store = open_audit_store(settings.audit, default=settings.store, s3=settings.s3)
        return make_writer(Collection(store, name), settings.audit, embedder=settings.embedder.model)

    def _make_publications(self, collection: Collection, watcher: AliasWatcherPort) -> Publications:
        alias = self._stored.alias

        def find_last_move() -> int:
            entry = read_alias(collection, alias)
            return entry.sequence if entry else 0

        return Publications(
            watcher,
            find_last=find_last_move,
            read_moves=lambda after, until: list_moves(collection, alias, after=after, until=until),
            collection=collection.name,
            timeout_s=self._settings.serve.timeout_s,
        )


def make_uploads(
    collection: Collection,
    *,
    chunker: ChunkerIdentity,
    parsing: ParsingSettings,
    responses: ResponseLimits,
) -> Uploads:
    """Return what keeps the uploads of a collection; see `Uploads`."""
    store, name = collection.store, collection.name
    return Uploads(
        open_own=lambda subject: OwnRecords(store, name, subject=subject),
        list_owners=partial(list_owners, store, name),
        open_folder=lambda owner: OwnRecords(store, name, owner=owner),
        chunker=chunker,
        reader=UploadReader(parsing),
        responses=responses,
    )
