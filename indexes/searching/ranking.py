"""The best rows of all segments: by score, ties by the lower chunk_id, a document once if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexes.searching.channels import Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A row of the answer.

    Attributes:
        part: number of its segment.
        row: its place there.
    """

    part: int
    row: int
    score: float


def rank_rows(scored: Sequence[Scored], *, k: int, is_by_document: bool) -> list[Ranked]:
    """Return the `k` best candidates, best first; the answer does not depend on the split into segments.

    Args:
        scored: one a segment.
        k: rows wanted, at least 1.
        is_by_document: whether a document stands once, by its best row.
    """
    rows = [np.flatnonzero(item.candidates) for item in scored]
    if not sum(len(found) for found in rows):
        return []
    parts = np.concatenate([np.full(len(found), part, np.int64) for part, found in enumerate(rows)])
    places = np.concatenate(rows)
    scores = np.concatenate([item.scores[found] for item, found in zip(scored, rows, strict=True)])
    pairs = list(zip(scored, rows, strict=True))
    ids = np.concatenate([item.selection.view.chunk_ids[found] for item, found in pairs])
    documents = np.concatenate([item.selection.view.documents[found] for item, found in pairs])
    wanted = k
    while True:
        best = _find_best(scores, ids, n=wanted)
        chosen = best[_find_firsts(documents[best])] if is_by_document else best
        if len(chosen) >= k or len(best) == len(scores):
            break
        wanted = min(wanted * 4, len(scores))
    return [
        Ranked(part=int(parts[item]), row=int(places[item]), score=float(scores[item])) for item in chosen[:k]
    ]


def _find_best(
    scores: np.ndarray[tuple[int], np.dtype[np.float64]],
    ids: np.ndarray[tuple[int], np.dtype[np.int64]],
    *,
    n: int,
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the places of the best `n` scores in order, with all that tie with the last of them."""
    candidates = np.arange(len(scores))
    if n < len(scores):
        least = np.partition(scores, len(scores) - n)[len(scores) - n]
        candidates = np.flatnonzero(scores >= least)
    order = np.lexsort((ids[candidates], -scores[candidates]))
    return candidates[order]


def _find_firsts(
    documents: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the places, ascending, where a document comes for the first time."""
    return np.sort(np.unique(documents, return_index=True)[1])
