"""Clients: search in this process or of a server, and what is done to a collection, from Python."""

from eagleray.client.administration import (
    IngestOptions,
    IngestReport,
    SnapshotSummary,
    ingest,
    publish,
    snapshots,
)
from eagleray.client.connecting import connect, connect_async
from eagleray.client.local import LocalCollection, open_collection
from eagleray.client.operations import Written
from eagleray.client.remote import RemoteCollection
from eagleray.client.remote_async import AsyncRemoteCollection

__all__ = [
    "AsyncRemoteCollection",
    "IngestOptions",
    "IngestReport",
    "LocalCollection",
    "RemoteCollection",
    "SnapshotSummary",
    "Written",
    "connect",
    "connect_async",
    "ingest",
    "open_collection",
    "publish",
    "snapshots",
]
