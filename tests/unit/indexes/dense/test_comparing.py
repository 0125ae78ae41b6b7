from __future__ import annotations

import numpy as np

from indexes.dense.comparing import BLOCK_ROWS, compare_block, compare_rows
from tests.small_collections import make_vectors


def test_blocks_compared_with_many_queries_have_the_bits_of_rows_compared_alone(rng):
    vectors, queries = make_vectors(rng, BLOCK_ROWS + 77, 384), make_vectors(rng, 5, 384)
    found = np.full((5, len(vectors)), np.nan, dtype=np.float32)
    for start in range(0, len(vectors), BLOCK_ROWS):
        compare_block(vectors, list(queries), start, similarities=found)
    rows = rng.permutation(len(vectors))
    for query, similarities in zip(queries, found, strict=True):
        assert similarities[rows].tobytes() == compare_rows(vectors, rows, query).tobytes()
