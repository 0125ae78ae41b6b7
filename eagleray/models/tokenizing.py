"""A model's tokens of a text and where they stand in it, found without loading the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eagleray.models.libraries import import_library


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
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


def read_tokenizer(path: Path) -> Tokenize:
    """Return what makes tokens as a `tokenizer.json` says; nothing is cut off.

    Raises:
        MissingExtraError: the library is not installed.
    """
    tokenizer = import_library("tokenizers").Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()

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
