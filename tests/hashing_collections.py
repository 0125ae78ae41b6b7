"""A small collection that a serving process can open: embedded and published without Ray."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from eagleray.contracts.collections import Collection
from eagleray.embedders import open_embedder
from eagleray.embedders.configured_embedder import HASHING
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.settings import Settings
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.storage import open_store
from tests.small_collections import SPEC, make_manifest, make_rows, make_table, put_written

HASHED = replace(SPEC, embedder=HashingEmbedder().identity.model)


def put_hashed_snapshot(store, seed=7, n_documents=60, embedder=None, name=HASHED.name):
    """Put one segment as a snapshot of a collection, and return its id."""
    if embedder is None:
        return put_written(store, write_hashed_snapshot, seed, n_documents, name)
    return write_hashed_snapshot(store, seed, n_documents, name, embedder=embedder)


def write_hashed_snapshot(store, seed, n_documents, name, *, embedder=None, rows=None):
    """Write one segment as a snapshot of a collection, and return its id."""
    rng, embedder = np.random.default_rng(seed), embedder or HashingEmbedder()
    spec = replace(HASHED, name=name, embedder=embedder.identity.model)
    put_collection(store, spec)
    rows = rows or make_rows(rng, n_documents=n_documents)
    table = make_table(rows)
    with tempfile.TemporaryDirectory() as folder:
        write_segment(
            table,
            embedder.embed_passages([row["text"] for row in rows]),
            spec=SegmentSpec(zone="default", embedder=embedder.identity),
            folder=Path(folder) / "segment",
        )
        digest = publish_segment(Collection(store, name), Path(folder) / "segment")
    return put_snapshot(store, make_manifest(store, [digest], spec=spec))


def publish(store, snapshot, name=HASHED.name):
    """Point the alias of a collection to a snapshot."""
    current = read_alias(Collection(store, name), "live")
    expected = None if current is None else current.snapshot
    move = AliasMove(expected=expected, snapshot=snapshot, reason="publish", now=1)
    move_alias(Collection(store, name), "live", move=move)


def publish_hashed(folder, model="hashing"):
    """Publish a snapshot in a store below a folder; return the settings that name it, and its id."""
    settings = Settings(
        store=str(folder / "store"),
        collection=HASHED.name,
        cache=str(folder / "cache"),
        embedder={"model": model},
    )
    store = open_store(settings.store)
    is_hashed = settings.embedder.model == HASHING
    snapshot = put_hashed_snapshot(store, embedder=None if is_hashed else open_embedder(settings.embedder))
    publish(store, snapshot)
    return settings, snapshot
