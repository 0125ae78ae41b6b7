"""Many questions for tests: the answers of single searches as rows of a batch, and vectors from a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.small_collections import EMBEDDER


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
