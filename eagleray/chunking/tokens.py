"""The tokens of one text as arrays, and where a text may be cut between them."""

from __future__ import annotations

from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import TokenCounter

_BLOCK_CHARACTERS: Final = 1 << 14

Offsets = npt.NDArray[np.int64]


class TokenizedText:
    """A text with the characters its tokens begin and end at.

    Attributes:
        text: the text.
        starts: int64 [n_tokens], ascending: first character of each token.
        ends: int64 [n_tokens]: one past its last character.
    """

    def __init__(self, text: str, counter: TokenCounter) -> None:
        self.text = text
        offsets = _find_offsets(text, counter)
        self.starts: Offsets = np.maximum.accumulate(offsets[:, 0]) if len(offsets) else offsets[:, 0]
        self.ends: Offsets = offsets[:, 1]
        self.n_tokens = len(offsets)

    def is_cut(self, token: int) -> bool:
        """Return whether one may cut in front of a token: it shares no character with the one before."""
        if token <= 0 or token >= self.n_tokens:
            return True
        start = self.starts[token]
        return bool(start >= self.ends[token - 1] and start > self.starts[token - 1])

    def rate_cut(self, token: int) -> int:
        """Return how good a cut in front of a token is: 4 at a line's end, 0 where there may be none.

        3 follows a comma or its like, 2 is between words, 1 inside a word.
        """
        if not self.is_cut(token):
            return 0
        if token <= 0 or token >= self.n_tokens:
            return 4
        before, start = int(self.ends[token - 1]), int(self.starts[token])
        gap = self.text[before:start]
        if "\n" in gap:
            return 4
        if gap and gap[-1].isspace():
            return 3 if self.text[before - 1] in ",;:" else 2
        return 1

    def find_cut(self, low: int, high: int) -> int:
        """Return the best token in `low < token <= high` to cut in front of, a late one rather.

        Looks through the last third first; where nothing will do, moves on behind `high`.
        """
        reach = max(low + 1, high - (high - low) // 3)
        best = max(range(high, reach - 1, -1), key=self.rate_cut, default=high)
        if self.rate_cut(best) > 1:
            return best
        inside = best if self.rate_cut(best) else 0
        for token in range(reach - 1, low, -1):
            rate = self.rate_cut(token)
            if rate > 1:
                return token
            inside = inside or (token if rate else 0)
        if inside:
            return inside
        token = high + 1
        while not self.is_cut(token):
            token += 1
        return min(token, self.n_tokens)


def _find_offsets(text: str, counter: TokenCounter) -> Offsets:
    """Return int64 [n_tokens, 2]; long text goes through the counter in blocks cut at white space."""
    parts = [np.empty((0, 2), dtype=np.int64)]
    start = 0
    while start < len(text):
        end = _find_block_end(text, start)
        offsets = counter.find_offsets(text[start:end])
        if offsets:
            flat = np.fromiter(chain.from_iterable(offsets), dtype=np.int64, count=2 * len(offsets))
            parts.append(flat.reshape(-1, 2) + start)
        start = end
    return np.concatenate(parts)


def _find_block_end(text: str, start: int) -> int:
    limit = start + _BLOCK_CHARACTERS
    if limit >= len(text):
        return len(text)
    for sign in ("\n", " "):
        cut = text.rfind(sign, start + _BLOCK_CHARACTERS // 2, limit)
        if cut > 0:
            return cut
    return limit
