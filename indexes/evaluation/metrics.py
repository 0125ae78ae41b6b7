"""Measures of a ranked list against judgements, as trec_eval defines them.

Source: NIST trec_eval 9.0.8, `m_ndcg_cut.c`, `m_recall.c` and `m_recip_rank.c` (https://github.com/usnistgov/trec_eval).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from eagleray.errors import InputError


def ndcg_at_k(ranked: Sequence[str], gains: Mapping[str, float], *, k: int) -> float:
    """Return the normalised discounted cumulative gain of the first `k` results.

    Gain is linear and the discount is log2(rank + 1), as in trec_eval's `ndcg_cut`; the variant
    with gain 2^relevance - 1 (Burges et al., 2005) differs where judgements are graded.

    Args:
        ranked: ids, best first, each once.
        gains: id -> judged relevance; absent ids and values of 0 or less gain nothing.
        k: cut, at least 1.

    Returns:
        0 to 1; 0 where nothing is relevant.

    Raises:
        InputError: `k` is below 1, or an id comes twice.

    Source:
        Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4),
        2002; trec_eval 9.0.8, `m_ndcg_cut.c`.
    """
    _check(ranked, k)
    found = [max(gains.get(item, 0.0), 0.0) for item in ranked[:k]]
    ideal = sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k]
    best = _discount(ideal)
    return _discount(found) / best if best else 0.0


def recall_at_k(ranked: Sequence[str], relevant: frozenset[str], *, k: int) -> float:
    """Return the share of the relevant ids among the first `k` results.

    Args:
        ranked: ids, best first, each once.
        relevant: ids that are right.
        k: cut, at least 1.

    Returns:
        0 to 1; 0 where nothing is relevant.

    Raises:
        InputError: `k` is below 1, or an id comes twice.

    Source:
        trec_eval 9.0.8, `m_recall.c`.
    """
    _check(ranked, k)
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: frozenset[str], *, k: int) -> float:
    """Return one over the rank of the first relevant id among the first `k` results.

    Args:
        ranked: ids, best first, each once.
        relevant: ids that are right.
        k: cut, at least 1.

    Returns:
        0 to 1; 0 where none is among them.

    Raises:
        InputError: `k` is below 1, or an id comes twice.

    Source:
        trec_eval 9.0.8, `m_recip_rank.c`; cut at `k` as MS MARCO's MRR@10 is.
    """
    _check(ranked, k)
    return next((1.0 / rank for rank, item in enumerate(ranked[:k], start=1) if item in relevant), 0.0)


def _discount(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _check(ranked: Sequence[str], k: int) -> None:
    if k < 1:
        raise InputError(detail=f"a cut must be at least 1, found {k}")
    if len(set(ranked)) != len(ranked):
        raise InputError(detail="a ranked list holds each id once")
