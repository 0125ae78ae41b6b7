"""Which questions the fast path answers; whatever it does not know is asked as a single search."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from eagleray.contracts.hits import Ranking, SearchMode, SearchRequest
from eagleray.contracts.manifests import FittedRanking
from eagleray.contracts.times import LATEST
from indexes.searching.weights import choose_weights

MAX_K: Final = 256
"""Hits of one question up to which the best are kept in a sorted list, where one more costs a shift of it."""

_PLAIN: Final = Ranking()
_KNOWN: Final = {
    name: getattr(_PLAIN, name)
    for name in ("boosts", "dense_weight", "min_score", "min_dense", "min_lexical", "n_per_document")
}
"""What a ranking may say."""


def is_plain(request: SearchRequest, fitted: FittedRanking | None) -> bool:
    """Return whether a question is one of words, by one or both channels, and for few hits.

    Args:
        request: the question.
        fitted: weights of the collection, if it has any.
    """
    if request.rerank or request.k > MAX_K or (request.as_of is not None and request.as_of > LATEST):
        return False
    ranking = request.ranking
    if ranking is not _PLAIN and replace(ranking, **_KNOWN) != _PLAIN:
        return False
    return request.mode is not SearchMode.HYBRID or 0.0 < choose_weights(ranking, fitted).dense < 1.0
