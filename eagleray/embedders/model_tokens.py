"""Which tokens a model makes of texts, and how many, found without loading the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eagleray.embedders.configured_embedder import HASHING, find_model, find_tokenizer
from eagleray.embedders.hashing import count_words, find_words
from eagleray.embedders.layout import read_layout
from eagleray.models.tokenizing import Token, Tokenize, read_counter, read_tokenizer
from eagleray.setting_groups.engine import EmbedderSettings

CountTokens = Callable[[Sequence[str]], list[int]]
"""Texts in, tokens of each out, special tokens included; safe to call from several threads."""


def open_counter(settings: EmbedderSettings) -> CountTokens:
    """Return what counts the tokens of the model the settings name; those of `hashing` are words.

    Nothing is cut off at the length the model reads.

    Raises:
        ModelError: there is no such model, or it has no tokenizer file.
        MissingExtraError: a library the model needs is not installed.
    """
    if settings.model == HASHING:
        return count_words
    return read_counter(find_tokenizer(settings)).count


def open_question_counter(settings: EmbedderSettings) -> CountTokens:
    """Return what counts the tokens the model reads of questions: its prefix included, cut at its limit.

    Raises:
        ModelError: there is no such model, or it has no tokenizer file.
        MissingExtraError: a library the model needs is not installed.
    """
    if settings.model == HASHING:
        return count_words
    layout = read_layout(find_model(settings))
    count = open_counter(settings)
    return lambda texts: [
        min(length, layout.max_tokens) for length in count([layout.query_prefix + text for text in texts])
    ]


def open_tokenize(settings: EmbedderSettings) -> Tokenize:
    """Return what makes the tokens of the model the settings name; those of `hashing` are words.

    Raises:
        ModelError: there is no such model, or it has no tokenizer file.
        MissingExtraError: a library the model needs is not installed.
    """
    return _tokenize_words if settings.model == HASHING else read_tokenizer(find_tokenizer(settings))


def _tokenize_words(text: str) -> list[Token]:
    return [
        Token(number=number, text=text[start:stop], place=(start, stop))
        for number, start, stop in find_words(text)
    ]
