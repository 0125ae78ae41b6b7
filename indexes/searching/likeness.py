"""More like this: a document the caller may see, as a question.

Its vector is the mean of its visible chunks' vectors, its words those that tell it apart: with the highest
frequency in it times inverse document frequency among the visible rows. Its own rows do not answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from eagleray.contracts.indexes import TextField
from eagleray.errors import DocumentNotFoundError
from indexes.dense.vectors import FloatVector
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import find_idf, merge_statistics
from indexes.searching.counts import Counts
from indexes.searching.targets import Target
from indexes.segments.naming import number_name
from indexes.segments.writing import list_texts
from indexes.selections import IntVector

N_TERMS: Final = 25
"""Source: Lucene's MoreLikeThis, DEFAULT_MAX_QUERY_TERMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A document as a question.

    Attributes:
        targets: the rows that may answer: without the document's own.
        vector: float32 [dim], unit L2 norm.
        terms: its words -> times they stand in it.
    """

    targets: Sequence[Target]
    vector: FloatVector
    terms: Counter[str]


def read_likeness(doc_id: str, *, seen: Sequence[Target], targets: Sequence[Target]) -> Likeness:
    """Return a document as a question.

    Args:
        doc_id: the document.
        seen: all the caller may see as of the question's time, whatever the filter.
        targets: those of them that may answer.

    Raises:
        DocumentNotFoundError: the caller sees no such document at that time, whether or not there is one.
    """
    number = number_name(doc_id)
    places = [_find_rows(target, number) for target in seen]
    if not any(len(rows) for rows in places):
        raise DocumentNotFoundError(doc_id=doc_id)
    held: Counter[str] = Counter()
    for target, rows in zip(seen, places, strict=True):
        for text in list_texts(target.view.rows.take(rows)):
            held.update(ENGLISH.find_terms(text))
    return Likeness(
        targets=[_leave_out(target, number) for target in targets],
        vector=_find_mean(seen, places),
        terms=_choose_terms(held, seen),
    )


def _find_rows(target: Target, number: int) -> IntVector:
    rows = np.flatnonzero(target.view.documents == number)
    return rows[target.selection.has(rows)]


def _find_mean(targets: Sequence[Target], places: Sequence[IntVector]) -> FloatVector:
    """Return the direction of the rows' mean, added in the order of their ids, however they are split."""
    ids = np.concatenate([target.view.chunk_ids[rows] for target, rows in zip(targets, places, strict=True)])
    vectors = np.concatenate(
        [target.view.vectors[rows] for target, rows in zip(targets, places, strict=True)]
    )
    total = np.zeros(vectors.shape[1])
    for place in np.argsort(ids):
        total += vectors[place]
    norm = float(np.sqrt((total * total).sum()))
    return (total / norm if norm > 0.0 else vectors[0]).astype(np.float32)


def _choose_terms(held: Counter[str], targets: Sequence[Target]) -> Counter[str]:
    statistics = merge_statistics(target.counts.find(TextField.BODY, held) for target in targets)
    weights = {
        term: n * find_idf(statistics.n_rows, statistics.frequencies[term]) for term, n in held.items()
    }
    kept = sorted(held, key=lambda term: (-weights[term], term))[:N_TERMS]
    return Counter({term: held[term] for term in kept})


def _leave_out(target: Target, number: int) -> Target:
    others = np.packbits(target.view.documents != number, bitorder="little")
    selection = target.selection.restrict(others)
    return replace(target, selection=selection, counts=Counts(target.view, selection))
