"""The best rows seen so far: a heap whose root is the worst one kept, ties by the lower chunk_id."""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
import numpy as np
import numpy.typing as npt

IntVector = npt.NDArray[np.int64]
ScoreVector = npt.NDArray[Any]
"""float32 or float64 [k]."""

BestRows: TypeAlias = tuple[ScoreVector, IntVector, IntVector]
"""The heap: scores, chunk_ids and places in the segment of the rows kept, [k] each; the last two int64."""


@numba.njit(cache=True, nogil=True)
def push_row(best: BestRows, n: int, score: float, identity: int, row: int) -> int:
    """Put a row on the heap if it is among the best, and return how many the heap holds.

    Args:
        best: takes the row.
        n: how many are kept so far.
        score: of the new row; grows with likeness.
        identity: its chunk_id.
        row: its place in the segment.
    """
    heap, ids, rows = best
    k = len(heap)
    if n < k:
        place = n
        n += 1
        while place > 0:
            above = (place - 1) >> 1
            if not _is_worse(score, identity, heap[above], ids[above]):
                break
            heap[place], ids[place], rows[place] = heap[above], ids[above], rows[above]
            place = above
    else:
        if not _is_worse(heap[0], ids[0], score, identity):
            return n
        place = 0
        while True:
            below = 2 * place + 1
            if below >= k:
                break
            if below + 1 < k and _is_worse(heap[below + 1], ids[below + 1], heap[below], ids[below]):
                below += 1
            if not _is_worse(heap[below], ids[below], score, identity):
                break
            heap[place], ids[place], rows[place] = heap[below], ids[below], rows[below]
            place = below
    heap[place], ids[place], rows[place] = score, identity, row
    return n


@numba.njit(cache=True, nogil=True)
def _is_worse(score: float, identity: int, other: float, other_identity: int) -> bool:
    return score < other or (score == other and identity > other_identity)
