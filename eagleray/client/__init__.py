"""Clients: the same search in this process or of a server, for notebooks and scripts."""

from eagleray.client.connecting import connect, connect_async
from eagleray.client.local import LocalCollection, open_collection
from eagleray.client.remote import RemoteCollection
from eagleray.client.remote_async import AsyncRemoteCollection

__all__ = [
    "AsyncRemoteCollection",
    "LocalCollection",
    "RemoteCollection",
    "connect",
    "connect_async",
    "open_collection",
]
