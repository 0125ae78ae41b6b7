"""How many tokens a text has, without the model's own tokenizer: rather more than it has."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(r"[^\W\d_]+|\S")
_LETTERS_PER_TOKEN: Final = 5
"""Of a word in Latin letters; a digit, a sign and a letter of another script are a token each."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    n_tokens = text.count("\n")
    for piece in _PIECE.findall(text):
        n_tokens += -(-len(piece) // _LETTERS_PER_TOKEN) if piece.isascii() else len(piece)
    return n_tokens
