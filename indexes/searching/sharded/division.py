"""Which group of shards holds which segments of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence


def divide_segments(sizes: Sequence[int], n_groups: int) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of each group's segments, ascending; no segment is in two groups.

    A segment goes to the group with the fewest rows so far, of equals the first. So no two groups differ by
    more rows than the largest segment has, and segments that come after the others move none of these.

    Args:
        sizes: rows of each segment, in the snapshot's order.
        n_groups: at least 1.

    Raises:
        ValueError: there is no group.

    Source: Graham, Bounds on Multiprocessing Timing Anomalies (SIAM Journal on Applied Mathematics, 1969):
        list scheduling.
    """
    if n_groups < 1:
        raise ValueError(f"n_groups must be at least 1, found {n_groups}")
    groups: list[list[int]] = [[] for _ in range(n_groups)]
    rows = [0] * n_groups
    for number, size in enumerate(sizes):
        least = min(range(n_groups), key=rows.__getitem__)
        groups[least].append(number)
        rows[least] += size
    return tuple(map(tuple, groups))
