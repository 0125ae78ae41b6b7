"""Small real collections for tests: chunks, vectors, and snapshots written into a store."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.manifests import (
    ChunkerIdentity,
    CollectionSpec,
    EmbedderIdentity,
    SnapshotManifest,
)
from eagleray.contracts.times import OPEN_END
from eagleray.digests import canonical_json, make_chunk_id
from indexes.dense.codebooks import train_codebook
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.matching import NumpyMatcher
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.codebooks import put_codebook
from indexes.segments.opened_segment import open_segment
from indexes.segments.patching import PATCH_SCHEMA
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.snapshots.catalog import load_snapshot, put_collection, put_snapshot
from indexes.snapshots.opened import count_open_documents
from indexes.snapshots.patches import make_patch, put_patch, read_patch
from indexes.storage.local import LocalStore

DIM = 16
DAY = 86_400_000_000
WORDS = [
    "swap",
    "curve",
    "basis",
    "repo",
    "margin",
    "haircut",
    "libor",
    "sofr",
    "vega",
    "gamma",
    "spread",
    "bond",
    "curve",
    "issuer",
    "rating",
    "call",
    "put",
]

EMBEDDER = EmbedderIdentity(
    name="random",
    weights="0" * 64,
    dim=DIM,
    max_tokens=256,
    backend="numpy",
    instruction_set="none",
    libraries={"numpy": "2"},
    settings={"threads": 1, "scale": 1.0, "exact": True},
)

SPEC = CollectionSpec(
    name="notes",
    embedder=EMBEDDER.model,
    chunker=ChunkerIdentity(
        tokenizer="0" * 64, max_tokens=256, target_tokens=230, overlap_tokens=40, rules=1
    ),
)


def make_rows(rng, *, n_documents=12, first=0, zone="default", known_from=None, known_to=OPEN_END):
    """Return chunk rows as dictionaries: 1 to 3 chunks a document, some with groups and attributes."""
    rows = []
    for number in range(first, first + n_documents):
        start = int(rng.integers(0, 40)) * DAY if known_from is None else known_from
        version = f"v{start}-{rng.integers(1 << 40):x}"
        groups = [["rates"], ["credit", "rates"], []][number % 3]
        attributes = {"ticker": WORDS[number % len(WORDS)], "year": 2000 + number, "tags": ["a", "b"]}
        if number % 2:
            attributes["yield"] = number / 2
        for ordinal in range(int(rng.integers(1, 4))):
            rows.append(
                {
                    "chunk_id": make_chunk_id(f"doc-{number}", version, "chunker", ordinal),
                    "doc_id": f"doc-{number}",
                    "version": version,
                    "ordinal": ordinal,
                    "start": ordinal * 100,
                    "end": ordinal * 100 + 90,
                    "page": ordinal + 1 if number % 2 else None,
                    "title": f"Note {number}",
                    "heading": f"Note {number}" if number % 4 else "",
                    "text": " ".join(rng.choice(WORDS, size=12)) + f" row{number} é",
                    "source": f"notes/{number}.md",
                    "zone": zone,
                    "groups": groups,
                    "event_time": start - DAY if number % 3 else None,
                    "known_from": start,
                    "known_to": known_to,
                    "attributes": canonical_json(attributes).decode(),
                }
            )
    return rows


def make_table(rows):
    """Return the rows as a chunk table."""
    return pa.Table.from_pylist(rows, schema=CHUNK_SCHEMA)


def make_vectors(rng, n_rows, dim=DIM):
    """Return float32 [n_rows, dim] of unit length."""
    vectors = rng.standard_normal((n_rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_codebook(rng, *, kind=IndexKind.IVF_PQ, n_lists=4, dim=DIM):
    """Return a codebook trained on vectors like those of `make_vectors`."""
    sample = make_vectors(rng, 200, dim)
    run = pass_over([sample], matcher=NumpyMatcher())
    probes = make_vectors(rng, 20, dim)
    return train_codebook([sample], run, kind=kind, training=Training(n_lists=n_lists), probes=probes)


def put_segment(store, rows, vectors, *, zone="default", codebook=None):
    """Write and publish a segment, with its codebook if it has one, and return its digest."""
    table = make_table(rows)
    with tempfile.TemporaryDirectory() as folder:
        write_segment(
            table,
            vectors,
            spec=SegmentSpec(zone=zone, embedder=replace(EMBEDDER, dim=vectors.shape[1]), codebook=codebook),
            folder=Path(folder) / "segment",
        )
        if codebook is not None:
            put_codebook(Collection(store, SPEC.name), codebook)
        return publish_segment(Collection(store, SPEC.name), Path(folder) / "segment")


def put_changes(store, changes):
    """Write a patch of (chunk_id, known_to, groups), and return its digest."""
    rows = [{"chunk_id": row, "known_to": end, "groups": groups} for row, end, groups in changes]
    return put_patch(
        Collection(store, SPEC.name), make_patch(pa.Table.from_pylist(rows, schema=PATCH_SCHEMA))
    )


def make_manifest(store, segments, *, patches=(), parent=None, spec=SPEC):
    """Return the manifest of a snapshot of these segments, with its counts right."""
    tables = [read_patch(Collection(store, spec.name), digest).changes for digest in patches]
    views = [open_segment(Collection(store, spec.name), digest, patches=tables) for digest in segments]
    attributes = {}
    for view in views:
        attributes = merge_attribute_types(attributes, view.attributes)
    return SnapshotManifest(
        collection=spec,
        segments=tuple(segments),
        patches=tuple(patches),
        parent=parent,
        n_rows=sum(view.n_rows for view in views),
        n_documents=count_open_documents(views),
        attributes=attributes,
    )


@cache
def read_written(write, *arguments):
    """Write into a store of its own, once a process; return what `write` returns, and path -> bytes."""
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder) / "store")
        found = write(store, *arguments)
        return found, {item.path: store.read(item.path) for item in store.list("")}


def put_written(store, write, *arguments):
    """Put into a store what `write` writes into an empty one, and return what it returns.

    A local store gets its files without a sync: what a test writes need not outlive the machine.
    """
    found, objects = read_written(write, *arguments)
    local = urlsplit(store.url) if store.url.startswith("file:") else None
    for name, data in objects.items():
        if local is None:
            store.write(name, data)
            continue
        path = Path(url2pathname(local.path)) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return found


def put_small_snapshot(store, seed=7):
    """Put two segments and a patch as one snapshot, and return its id; see `write_small_snapshot`."""
    return put_written(store, write_small_snapshot, seed)


def write_small_snapshot(store, seed=7):
    """Write two segments and a patch as one snapshot, and return its id.

    `doc-0` is superseded on day 50 by a version in the second segment, `doc-1` is deleted on day 60.
    """
    rng = np.random.default_rng(seed)
    put_collection(store, SPEC)
    old = make_rows(rng)
    new = make_rows(rng, n_documents=1, known_from=50 * DAY) + make_rows(rng, n_documents=5, first=20)
    digests = [put_segment(store, old, make_vectors(rng, len(old)), codebook=make_codebook(rng))]
    digests.append(put_segment(store, new, make_vectors(rng, len(new))))
    closed = [(row["chunk_id"], 50 * DAY, None) for row in old if row["doc_id"] == "doc-0"]
    closed += [(row["chunk_id"], 60 * DAY, ["desk"]) for row in old if row["doc_id"] == "doc-1"]
    patch = put_changes(store, closed)
    return put_snapshot(store, make_manifest(store, digests, patches=(patch,)))


def put_grown_snapshot(store, parent, *, patches=()):
    """Write a snapshot that has a segment and patches more than another, and return its id."""
    before = load_snapshot(Collection(store, SPEC.name), parent)
    rng = np.random.default_rng(before.n_rows)
    rows = make_rows(rng, n_documents=4, first=50)
    segments = (*before.segments, put_segment(store, rows, make_vectors(rng, len(rows))))
    manifest = make_manifest(store, segments, patches=(*before.patches, *patches), parent=parent)
    return put_snapshot(store, manifest)
