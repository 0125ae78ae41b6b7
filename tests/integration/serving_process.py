"""A process of `eagleray serve` over a small collection, with a key and a tiny cross-encoder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.settings import Settings
from serve.identity.key_service import StoredKeyService
from tests.integration.cut_runs import NOTES, ingest, write_lines
from tests.small_rerankers import write_cross_encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where a server is, keys of a reader and of one who writes too, folder of its reranker, store."""

    url: str
    key: str
    writer_key: str
    reranker: str
    store: str
    embedder: str = "hashing"


@contextmanager
def run_small_server(folder) -> Iterator[Served]:
    """Start it over notes, with its files below a folder; it takes keys, and whoever shows none."""
    settings = Settings(
        store=str(folder / "store"),
        collection="notes",
        cache=str(folder / "cache"),
        embedder={"model": "hashing"},
        jobs={"workers": 2},
    )
    ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))
    keys, reads = StoredKeyService(settings), frozenset({Role.READER})
    made = keys.create(KeyRequest(subject="client", roles=reads))
    writer = keys.create(
        KeyRequest(subject="uploader", roles=reads | {Role.WRITER}, zones=frozenset({"default"}))
    )
    reranker = write_cross_encoder(folder / "tiny")
    env = os.environ | {
        "EAGLERAY_STORE": settings.store,
        "EAGLERAY_COLLECTION": settings.collection,
        "EAGLERAY_CACHE": settings.cache,
        "EAGLERAY_EMBEDDER__MODEL": "hashing",
        "EAGLERAY_RERANKER__MODEL": str(reranker),
        "EAGLERAY_AUTH__API_KEYS": "true",
    }
    command = [sys.executable, "-m", "eagleray", "serve", "--port", "0", "--json", "--development"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline()
        if '"url"' not in line:
            raise RuntimeError(f"ended with {process.wait(timeout=30)} before it was ready: {line}")
        yield Served(
            url=json.loads(line)["url"],
            key=made["key"],
            writer_key=writer["key"],
            reranker=str(reranker),
            store=settings.store,
        )
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
