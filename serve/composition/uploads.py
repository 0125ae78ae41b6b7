"""What keeps files over HTTP, put together: from the settings' store."""

from __future__ import annotations

from functools import partial

from eagleray.contracts.manifests import ChunkerIdentity
from eagleray.contracts.ports import Store
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.settings import Settings
from indexes.snapshots.catalog import load_collection
from indexes.storage import open_store
from serve.http.serving import Uploads
from serve.uploads.keeping import OwnRecords, list_owners
from serve.uploads.reading import UploadReader


def make_uploads(settings: Settings) -> Uploads:
    """Return what the routes ask."""
    store = open_store(settings.store, s3=settings.s3)
    chunker = load_collection(store, settings.collection).chunker
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
