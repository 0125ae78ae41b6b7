"""Many questions for tests: a collection full of ties, and the answers of single searches, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import Fitted
from indexes.searching.searcher import Searcher
from indexes.segments.opened_segment import open_segment
from indexes.segments.view import SegmentView
from indexes.snapshots.patches import read_patch
from indexes.storage import open_store
from tests.small_collections import (
    DAY,
    EMBEDDER,
    SPEC,
    make_rows,
    make_vectors,
    put_changes,
    put_segment,
)

TITLES = ["", "swap", "repo swap swap", "bond of a repo", "margin"]
HEADINGS = ["", "", "bond", "swap repo", "vega and margin swap"]
TEXTS = ["swap repo", "swap swap bond", "bond repo", "margin", "nothing of it"]


def list_single(searcher, requests):
    """Ask one by one, exactly, and return the hits as `search_many` would."""
    rows = []
    for question, request in enumerate(requests):
        hits = searcher.search(replace(request, exact=True)).hits
        rows += [
            (question, rank, hit.chunk_id, hit.doc_id, hit.score, hit.dense, hit.lexical, hit.reranked)
            for rank, hit in enumerate(hits, start=1)
        ]
    return rows


class TableEmbedder:
    """Gives each question the vector of its number."""

    identity = EMBEDDER

    def __init__(self, vectors):
        self.vectors = vectors

    def embed_queries(self, texts):
        return np.stack([self.vectors[int(text.split()[-1])] for text in texts])

    embed_passages = embed_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedSegments:
    """Three segments whose few texts and vectors repeat."""

    segments: Sequence[SegmentView]
    embedder: TableEmbedder

    @property
    def n_rows(self):
        return sum(view.n_rows for view in self.segments)

    def open_searcher(self, fitted=None):
        """Return a searcher over them, with weights of the collection or without."""
        return Searcher("b" * 64, self.segments, embedder=self.embedder, fitted=Fitted(ranking=fitted))


def write_tied(tmp_path, rng, *, n_documents, headings=HEADINGS):
    """Write three segments of many ties, the last without a title; some rows are closed."""
    store, vectors, digests, closed = open_store(tmp_path), make_vectors(rng, 8), [], []
    for part in range(3):
        rows = make_rows(rng, n_documents=n_documents, first=part * n_documents)
        for row in rows:
            row["title"] = "" if part == 2 else str(rng.choice(TITLES))
            row["heading"], row["text"] = str(rng.choice(headings)), str(rng.choice(TEXTS))
        digests.append(put_segment(store, rows, vectors[rng.integers(0, 4, len(rows))]))
        closed += [(row["chunk_id"], row["known_from"] + 5 * DAY, None) for row in rows[::5]]
    tables = [read_patch(Collection(store, SPEC.name), put_changes(store, closed)).changes]
    views = [open_segment(Collection(store, SPEC.name), digest, patches=tables) for digest in digests]
    return TiedSegments(segments=views, embedder=TableEmbedder(vectors))


def open_tied(tmp_path, rng, *, n_documents, headings=HEADINGS, fitted=None):
    """Return a searcher over three segments of many ties."""
    return write_tied(tmp_path, rng, n_documents=n_documents, headings=headings).open_searcher(fitted)
