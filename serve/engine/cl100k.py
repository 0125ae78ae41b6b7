"""Texts of token ids, for clients that cut texts into OpenAI's tokens before they send them.

The table lies beside this module, so that nothing is downloaded.

Source: tiktoken's encoding `cl100k_base` (MIT licence), `tiktoken_ext/openai_public.py`: its table of ranks,
byte for byte, compressed, and its special tokens.
"""

from __future__ import annotations

import gzip
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from eagleray.errors import InputError, IntegrityError

_TABLE: Final = "cl100k_base.tiktoken.gz"
_DIGEST: Final = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
"""SHA-256 of the table, as tiktoken has it."""

_SPECIAL: Final = {
    100257: b"<|endoftext|>",
    100258: b"<|fim_prefix|>",
    100259: b"<|fim_middle|>",
    100260: b"<|fim_suffix|>",
    100276: b"<|endofprompt|>",
}


def decode_tokens(tokens: Sequence[int]) -> str:
    """Return the text of token ids; bytes that are no UTF-8, such as half a character, become U+FFFD.

    Raises:
        InputError: an id is none of the encoding.
        IntegrityError: the table is damaged.
    """
    table = _read_table()
    try:
        return b"".join(table[token] for token in tokens).decode("utf-8", errors="replace")
    except KeyError as error:
        detail = f"{error.args[0]} is not a token of cl100k_base; send text instead"
        raise InputError(detail=detail, param="input") from error


@lru_cache(maxsize=1)
def _read_table() -> Mapping[int, bytes]:
    table = gzip.decompress(files(__package__).joinpath(_TABLE).read_bytes())
    found = sha256(table).hexdigest()
    if found != _DIGEST:
        raise IntegrityError(path=_TABLE, expected=_DIGEST, found=found)
    pairs = (line.split() for line in table.splitlines())
    return {int(rank): b64decode(text) for text, rank in pairs} | _SPECIAL
