"""Cuts a text to what a model reads, at the model's own tokens."""

from __future__ import annotations

from eagleray.models.tokenizing import Tokenize


def cut_text(text: str, max_tokens: int, *, tokenize: Tokenize, is_start_cut: bool = False) -> str:
    """Return the longest beginning of a text that has no more tokens than a model reads.

    Args:
        text: any.
        max_tokens: special ones included.
        tokenize: makes the model's tokens.
        is_start_cut: whether its end is kept instead.
    """
    tokens = tokenize(text)
    places = [token.place for token in tokens if token.place is not None]
    n_kept = max_tokens - (len(tokens) - len(places))
    cut = text
    while len(tokens) > max_tokens and n_kept > 0:  # tokens at the cut may be others in the shorter text
        kept = places[-n_kept:] if is_start_cut else places[:n_kept]
        cut = text[kept[0][0] :] if is_start_cut else text[: kept[-1][1]]
        tokens = tokenize(cut)
        n_kept -= 1
    return cut if len(tokens) <= max_tokens else ""
