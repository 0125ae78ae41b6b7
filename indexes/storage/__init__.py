"""Objects by name: one durable local folder store and one S3-compatible store."""

from indexes.storage.opening import open_store

__all__ = ["open_store"]
