"""The exact similarities of some queries with every row of all segments."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.comparing import BLOCK_ROWS, compare_block
from indexes.dense.queries import DenseQuery
from indexes.segments.view import SegmentView


def compare_all(
    segments: Sequence[SegmentView], queries: Sequence[DenseQuery], *, threads: Executor
) -> FloatMatrix:
    """Return the similarity of each query with each row: float32 [n_queries, n_rows].

    Args:
        segments: whose rows are compared, one segment after the other.
        queries: the queries.
        threads: share the work.
    """
    similarities = np.empty((len(queries), sum(view.n_rows for view in segments)), dtype=np.float32)
    vectors = [query.vector for query in queries]
    first = 0
    for view in segments:
        mine = similarities[:, first : first + view.n_rows]
        compare = partial(compare_block, view.vectors, vectors, similarities=mine)
        list(threads.map(compare, range(0, view.n_rows, BLOCK_ROWS)))
        first += view.n_rows
    return similarities
