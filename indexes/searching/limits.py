"""What keeps a row from being a hit: a score below the least wanted, or better rows of its document."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eagleray.contracts.hits import Granularity, SearchRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits that hold for one question; minus infinity where a score may be any.

    Attributes:
        n_per_document: hits of one document at most; `None` for any number.
        score: least joint score.
        dense: least cosine similarity.
        lexical: least BM25 score.
    """

    n_per_document: int | None
    score: float
    dense: float
    lexical: float


def choose_limits(request: SearchRequest) -> Limits:
    """Return the limits of a question: a hit that stands for a document is its best row alone."""
    ranking = request.ranking
    is_by_document = request.granularity is Granularity.DOCUMENT
    return Limits(
        n_per_document=1 if is_by_document else ranking.n_per_document,
        score=_read(ranking.min_score),
        dense=_read(ranking.min_dense),
        lexical=_read(ranking.min_lexical),
    )


def _read(floor: float | None) -> float:
    return -np.inf if floor is None else float(floor)
