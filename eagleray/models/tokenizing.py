"""A model's tokens of a text and where they stand in it, found without loading the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eagleray.models.batching import slice_texts
from eagleray.models.libraries import import_library


class Token(NamedTuple):
    """One token.

    Attributes:
        number: of the token in the model's table.
        text: its characters of the text; the token's own name where it is special.
        place: first character and the one behind the last; `None` for a special token.
    """

    number: int
    text: str
    place: tuple[int, int] | None


Tokenize = Callable[[str], list[Token]]
"""Text in, its tokens out, special ones included; safe to call from several threads."""


class TokenizerCounter:
    """Counts the tokens of texts as a `tokenizer.json` says; nothing is cut off; safe to share."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones included."""
        n_special = int(self._tokenizer.num_special_tokens_to_add(False))
        return [n_special + n_tokens for n_tokens in self._count_plain(texts)]

    def count_pairs(self, text: str, others: Sequence[str]) -> list[int]:
        """Return the tokens of a text with each of others, special ones included; each text is read once."""
        n_special = int(self._tokenizer.num_special_tokens_to_add(True))
        (n_first,) = self._count_plain([text])
        return [n_special + n_first + n_tokens for n_tokens in self._count_plain(others)]

    def _count_plain(self, texts: Sequence[str]) -> list[int]:
        encode = self._tokenizer.encode_batch_fast
        return [len(item) for part in slice_texts(texts) for item in encode(part, add_special_tokens=False)]


def read_counter(path: Path) -> TokenizerCounter:
    """Return what counts tokens as a `tokenizer.json` says.

    Raises:
        MissingExtraError: the library is not installed.
    """
    return TokenizerCounter(_open(path))


def _open(path: Path) -> Any:
    tokenizer = import_library("tokenizers").Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def read_tokenizer(path: Path) -> Tokenize:
    """Return what makes tokens as a `tokenizer.json` says; nothing is cut off.

    Raises:
        MissingExtraError: the library is not installed.
    """
    tokenizer = _open(path)

    def tokenize(text: str) -> list[Token]:
        found = tokenizer.encode(text)
        parts = zip(found.ids, found.tokens, found.offsets, found.special_tokens_mask, strict=True)
        return [
            Token(number=number, text=name, place=None)
            if is_special
            else Token(number=number, text=text[start:stop], place=(start, stop))
            for number, name, (start, stop), is_special in parts
        ]

    return tokenize
