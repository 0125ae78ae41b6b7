"""What keeps files over HTTP, put together: the settings' store, a record of each use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from eagleray.contracts.manifests import ChunkerIdentity
from eagleray.contracts.ports import Store
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.settings import Settings
from indexes.snapshots.catalog import load_collection
from indexes.storage import open_store
from serve.audit.entries import Asked, Told, record_request
from serve.audit.writing import AuditWriter
from serve.http.serving import Uploads
from serve.uploads.keeping import OwnRecords, list_owners
from serve.uploads.reading import UploadReader


def make_uploads(audit: AuditWriter, settings: Settings) -> Uploads:
    """Return what the routes ask."""
    store = open_store(settings.store, s3=settings.s3)

    def record(asked: Asked, error: Exception | None, latency_us: int) -> None:
        kept = settings.audit.questions
        outcome = error or Told(snapshot="")
        audit.append(record_request(asked, outcome, questions=kept, latency_us=latency_us))

    return make_uploads_of(
        store,
        settings.collection,
        record=record,
        chunker=load_collection(store, settings.collection).chunker,
        parsing=settings.parsing,
    )


def make_uploads_of(
    store: Store,
    collection: str,
    *,
    record: Callable[[Asked, Exception | None, int], None],
    chunker: ChunkerIdentity,
    parsing: ParsingSettings,
) -> Uploads:
    """Return what keeps the uploads of a collection; see `Uploads`."""
    return Uploads(
        open_own=lambda subject: OwnRecords(store, collection, subject=subject),
        list_owners=partial(list_owners, store, collection),
        open_folder=lambda owner: OwnRecords(store, collection, owner=owner),
        record=record,
        chunker=chunker,
        reader=UploadReader(parsing),
    )
