"""Batches of like length within a budget of tokens, so that little is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

Text = TypeVar("Text", str, tuple[str, str])

SLICE_CHARACTERS: Final = 262_144
"""Characters that are cut into tokens together, where few of these are kept: some 25 MB while it takes."""


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


def slice_texts(texts: Sequence[Text]) -> Iterator[list[Text]]:
    """Yield texts, or pairs of them, in order and some at a time, so that their tokens take little memory."""
    taken: list[Text] = []
    n_characters = 0
    for text in texts:
        length = len(text) if isinstance(text, str) else sum(map(len, text))
        if taken and n_characters + length > SLICE_CHARACTERS:
            yield taken
            taken, n_characters = [], 0
        taken.append(text)
        n_characters += length
    if taken:
        yield taken
