"""Token counters: a Hugging Face tokenizer file, and white space for tests and models without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from eagleray.digests import digest_file
from eagleray.errors import MissingExtraError, ModelError

_WORD: Final = re.compile(r"\S+")


class WhitespaceCounter:
    """Every word is a token."""

    digest: str = "whitespace"

    def find_offsets(self, text: str) -> list[tuple[int, int]]:
        """Return (start, end) characters of each word."""
        return [match.span() for match in _WORD.finditer(text)]


class HuggingFaceCounter:
    """The tokens of a `tokenizer.json`, without special tokens, truncation and padding.

    Workers get it by its path: the file is read again where it is unpickled.
    """

    def __init__(self, tokenizer_json: Path) -> None:
        """Read the tokenizer.

        Raises:
            MissingExtraError: the package `tokenizers` is not installed.
            ModelError: there is no such file, or it is no tokenizer.
        """
        self._path = Path(tokenizer_json)
        self._tokenizer = _load_tokenizer(self._path)
        self.digest = digest_file(self._path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (HuggingFaceCounter, (self._path,))

    def find_offsets(self, text: str) -> list[tuple[int, int]]:
        """Return (start, end) characters of each token."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets


def _load_tokenizer(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError(part="tokenizers", extra="documents") from error
    if not path.is_file():
        raise ModelError(model=str(path), detail="expected a tokenizer.json, found no file of that name")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(model=str(path), detail=f"it is not a tokenizer.json: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
