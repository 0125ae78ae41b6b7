"""How finely input is cut: it depends on the input and the parent snapshot alone, never on the cluster."""

from __future__ import annotations

from typing import Final

SMALL_PARTS: Final = 16
"""Parts a small input is cut into."""

MIN_BYTES: Final = 32 << 10
"""Below this, the overhead of a part is more than its work."""

MAX_HELD_ROWS: Final = 100_000
"""Rows of the parent snapshot one shard is compared with, on average."""


def choose_length(total_bytes: int, *, most: int) -> int:
    """Return the length that gives a small input `SMALL_PARTS` parts, within its bounds."""
    return min(most, max(MIN_BYTES, -(-total_bytes // SMALL_PARTS)))


def count_shards(total_bytes: int, *, shard_bytes: int, n_held: int = 0) -> int:
    """Return how many shards the documents of some input are spread over, by their ids.

    A vector's bits depend on the shard it is embedded in.

    Args:
        total_bytes: what is read.
        shard_bytes: input behind one shard at most; a small input is spread finer.
        n_held: rows of the parent snapshot, which are compared shard by shard.
    """
    by_bytes = -(-total_bytes // choose_length(total_bytes, most=shard_bytes))
    return max(1, by_bytes, -(-n_held // MAX_HELD_ROWS))
