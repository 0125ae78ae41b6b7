"""More like this: a document the caller may see, as a question.

Its vector is the mean of its visible chunks' vectors, its words those that tell it apart: with the highest
frequency in it times inverse document frequency among the visible rows. Its own rows do not answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.vectors import FloatVector
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import Statistics, find_idf
from indexes.searching.targets import Target
from indexes.segments.segment_files import list_texts
from indexes.selections import IntVector

N_TERMS: Final = 25
"""Source: Lucene's MoreLikeThis, DEFAULT_MAX_QUERY_TERMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDocument:
    """The chunks of a document that a caller may see.

    Attributes:
        ids: int64 [n], their chunk_ids.
        vectors: float32 [n, dim].
        terms: their words -> times they stand there.
    """

    ids: IntVector
    vectors: FloatMatrix
    terms: Mapping[str, int]


def read_document(doc_id: str, targets: Sequence[Target]) -> SeenDocument | None:
    """Return what a caller may see of a document; `None` where that is nothing.

    Args:
        doc_id: the document.
        targets: all the caller may see as of the question's time, whatever its filter.
    """
    parts = []
    for target in targets:
        rows = target.find_document(doc_id)
        if len(rows):
            held: Counter[str] = Counter()
            for text in list_texts(target.view.rows.take(rows)):
                held.update(ENGLISH.find_terms(text))
            view = target.view
            parts.append(SeenDocument(ids=view.chunk_ids[rows], vectors=view.vectors[rows], terms=held))
    return join_document(parts) if parts else None


def join_document(parts: Sequence[SeenDocument]) -> SeenDocument:
    """Return a document of which some segments hold a part each, at least one."""
    held: Counter[str] = Counter()
    for part in parts:
        held.update(part.terms)
    return SeenDocument(
        ids=np.concatenate([part.ids for part in parts]),
        vectors=np.concatenate([part.vectors for part in parts]),
        terms=dict(held),
    )


def find_mean(document: SeenDocument) -> FloatVector:
    """Return the direction of the chunks' mean, added in the order of their ids: float32 [dim]."""
    vectors = document.vectors[np.argsort(document.ids)]
    total = np.zeros(vectors.shape[1])
    for vector in vectors:
        total += vector
    norm = float(np.sqrt((total * total).sum()))
    return (total / norm if norm > 0.0 else vectors[0]).astype(np.float32)


def choose_terms(held: Mapping[str, int], statistics: Statistics) -> Counter[str]:
    """Return the words that tell a document apart -> times they stand in it.

    Args:
        held: all its words -> times they stand in it.
        statistics: of these words in all rows the caller may see.
    """
    weights = {
        term: n * find_idf(statistics.n_rows, statistics.frequencies[term]) for term, n in held.items()
    }
    kept = sorted(held, key=lambda term: (-weights[term], term))[:N_TERMS]
    return Counter({term: held[term] for term in kept})
