"""Whole servers in this process, composed as `eagleray serve` composes them, and asked without a socket."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import pytest

from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.settings import Settings
from indexes.storage import open_store
from serve.composition.server import open_local_server
from serve.identity.key_service import StoredKeyService
from tests.hashing_collections import publish, put_hashed_snapshot


class Desk:
    """A store of published collections, and the keys of those who ask for them."""

    def __init__(self, folder, **serve):
        self.settings = Settings(
            store=str(folder / "store"),
            collection="notes",
            cache=str(folder / "cache"),
            embedder={"model": "hashing"},
            auth={"api_keys": True},
            serve={"poll_s": 0.02, **serve},
        )
        self.store, self.snapshots = open_store(self.settings.store), {}

    def publish(self, name, seed=7):
        """Publish a collection, or another snapshot of it."""
        self.snapshots[name] = put_hashed_snapshot(self.store, seed=seed, n_documents=12, name=name)
        publish(self.store, self.snapshots[name], name)

    def make_key(self, *collections, role=Role.READER, subject="desk"):
        """Return the headers of somebody who may see these collections; every one where none is given."""
        request = KeyRequest(
            subject=subject,
            roles=frozenset({role}),
            zones=None,
            collections=frozenset(collections) or None,
        )
        key = StoredKeyService(self.settings).create(request)["key"]
        return {"authorization": f"Bearer {key}"}

    @asynccontextmanager
    async def serve(self):
        """Give a client of the server."""
        async with open_local_server(self.settings, alias="live", host="127.0.0.1") as app:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                yield client


@pytest.fixture
def desk(tmp_path):
    """Make a desk whose server has some settings."""

    def make(*names, **serve):
        made = Desk(tmp_path, **serve)
        for seed, name in enumerate(names):
            made.publish(name, seed=seed)
        return made

    return make
