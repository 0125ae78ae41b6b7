"""The embedder that a collection was built with, for those who name none."""

from __future__ import annotations

from eagleray.contracts.collections import Collection
from eagleray.embedders import name_model
from eagleray.errors import NotPublishedError
from eagleray.settings import Settings
from indexes.snapshots.catalog import load_collection
from indexes.storage import open_store


def recall_embedder(settings: Settings) -> Settings:
    """Return settings that name the embedder which their collection was built with, unless they name one.

    They are returned as they are for a collection that is not there yet, and for one that was built with the
    model of a folder: where that lies is for the settings to say.

    Raises:
        IntegrityError: what the collection says of itself is damaged.
        StoreError: the store failed.
    """
    if "model" in settings.embedder.model_fields_set:
        return settings
    try:
        spec = load_collection(Collection(open_store(settings.store, s3=settings.s3), settings.collection))
    except NotPublishedError:
        return settings
    model = name_model(spec.embedder)
    if not model:
        return settings
    return settings.model_copy(update={"embedder": settings.embedder.model_copy(update={"model": model})})
