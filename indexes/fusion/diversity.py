"""Maximal marginal relevance: hits that are good and not like those before them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from indexes.selections import IntVector


def choose_diverse(
    scores: npt.NDArray[np.float64], vectors: npt.NDArray[np.float32], *, k: int, diversity: float
) -> IntVector:
    """Return the places of `k` candidates in the order they are chosen.

    Args:
        scores: float64 [n], best first.
        vectors: float32 [n, dim], unit L2 norm, of the candidates.
        k: candidates wanted; all of them where there are fewer.
        diversity: 0 takes the best, 1 looks at likeness alone; between, the share of likeness.

    Returns:
        int64 [min(k, n)]; of equals the first is taken.

    Source: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking for Reordering Documents and
        Producing Summaries (SIGIR 1998), with lambda = 1 - diversity and scores scaled by the greatest.
    """
    n = len(scores)
    greatest = float(scores.max(initial=0.0))
    wanted = (1.0 - diversity) * (scores / greatest if greatest > 0.0 else np.zeros(n))
    likeness = np.full(n, -np.inf)
    is_left = np.ones(n, dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < min(k, n):
        penalty = diversity * likeness if chosen else np.zeros(n)
        place = int(np.argmax(np.where(is_left, wanted - penalty, -np.inf)))
        chosen.append(place)
        is_left[place] = False
        likeness = np.maximum(likeness, vectors.astype(np.float64) @ vectors[place].astype(np.float64))
    return np.array(chosen, dtype=np.int64)
