"""Whether a model gives texts of equal length the same bits together as alone, on this machine.

It holds where a library's kernels add in the same order whatever the number of rows. No library promises
that, so it is tried with texts of several lengths, in batches of several sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from eagleray.contracts.ports import FloatMatrix

_N_WORDS: Final = (3, 8, 13, 21, 34)
_SIZES: Final = (2, 3, 8, 16)
MAX_TEXTS: Final = 16
"""Texts of the largest batch that is tried: a larger one proves nothing, and saves little more."""

_WORDS: Final = (
    "rate",
    "bond",
    "fund",
    "loan",
    "cash",
    "risk",
    "swap",
    "note",
    "debt",
    "bank",
    "sale",
    "cost",
)
"""Words of one token each in common vocabularies, so that texts of as many words have equal lengths."""


def is_same_in_batches(
    embed: Callable[[Sequence[str]], FloatMatrix], count: Callable[[Sequence[str]], Sequence[int]]
) -> bool:
    """Return whether every batch that was tried gave the bits of its texts alone.

    Args:
        embed: texts in, float32 [n_texts, dim] out.
        count: texts in, tokens of each out.
    """
    for n_words in _N_WORDS:
        texts = [_make_text(n_words, number) for number in range(MAX_TEXTS)]
        if len(set(count(texts))) != 1:
            return False
        alone = np.concatenate([embed([text]) for text in texts])
        if not all(np.array_equal(embed(texts[:size]), alone[:size]) for size in _SIZES):
            return False
    return True


def _make_text(n_words: int, number: int) -> str:
    return " ".join(_WORDS[(number + step * (1 + number % 5)) % len(_WORDS)] for step in range(n_words))
