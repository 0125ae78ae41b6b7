"""A real searcher over a snapshot of a small collection, its questions embedded without a model."""

from __future__ import annotations

import numpy as np

from eagleray.contracts.collections import Collection
from indexes.searching.searcher import Searcher
from indexes.snapshots.entitling import Entitler
from indexes.snapshots.opened import open_snapshot
from tests.small_collections import DIM, EMBEDDER, SPEC, make_vectors


class FixedEmbedder:
    """Gives every question a vector of its own."""

    identity = EMBEDDER

    def embed_queries(self, texts):
        return np.concatenate([make_vectors(np.random.default_rng(len(text)), 1, DIM) for text in texts])


def open_engine(store, snapshot):
    """Return the searcher over a snapshot."""
    opened = open_snapshot(Collection(store, SPEC.name), snapshot)
    searcher = Searcher(opened.snapshot_id, opened.segments, embedder=FixedEmbedder())
    return searcher.entitle_by(Entitler(store, opened.manifest, opened.segments, cache=None).entitle)
