"""An API key as text: `er_<id>_<secret><checksum>`, 16, 64 and 8 hex digits.

The checksum tells a key that was cut or mistyped from one that is wrong, before any store is read. It is no
protection: anybody can compute it. What is kept of a key lives in `key_records`.
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Final

PREFIX: Final = "er_"

_ID: Final = re.compile(r"[0-9a-f]{16}")
_KEY: Final = re.compile(r"er_([0-9a-f]{16})_([0-9a-f]{64})([0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyText:
    """A key, taken apart.

    Attributes:
        key_id: public name of the key.
        secret: 64 hex digits, 256 bits by chance; never shown by `repr`.
    """

    key_id: str
    secret: str = field(repr=False)

    def write(self) -> str:
        """Return the text that its holder sends."""
        body = f"{PREFIX}{self.key_id}_{self.secret}"
        return f"{body}{_sum(body)}"


def make_key() -> KeyText:
    """Return a new key."""
    return KeyText(key_id=secrets.token_hex(8), secret=secrets.token_hex(32))


def parse_key(text: str) -> KeyText | None:
    """Return the key that `text` writes, or `None` where its form or its checksum is wrong."""
    found = _KEY.fullmatch(text)
    if found is None or _sum(text[:-8]) != found[3]:
        return None
    return KeyText(key_id=found[1], secret=found[2])


def is_key_id(text: str) -> bool:
    """Return whether `text` may name a key."""
    return _ID.fullmatch(text) is not None


def _sum(body: str) -> str:
    return f"{zlib.crc32(body.encode('ascii')):08x}"
