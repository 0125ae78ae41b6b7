"""Batches of like length within a budget of tokens, so that little is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

SLICE_CHARACTERS: Final = 262_144
"""Characters that are cut into tokens together, where these are only counted: some 25 MB while it takes."""


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


def slice_texts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in order, some at a time, so that little memory is taken for their tokens."""
    taken: list[str] = []
    n_characters = 0
    for text in texts:
        if taken and n_characters + len(text) > SLICE_CHARACTERS:
            yield taken
            taken, n_characters = [], 0
        taken.append(text)
        n_characters += len(text)
    if taken:
        yield taken
