"""Batches of like length within a budget of tokens, so that little is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def cut_batches(lengths: Sequence[int], max_batch_tokens: int) -> Iterator[list[int]]:
    """Yield the rows of each batch: by length, ties by place, padded length within the budget.

    A text longer than the budget is a batch of its own.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
        if batch and (len(batch) + 1) * lengths[row] > max_batch_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
