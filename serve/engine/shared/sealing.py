"""Names and values that only those who hold a secret can make or read.

A value is bound to its name: under another one, cut or changed, it does not open. Source: AES-256-GCM, NIST
SP 800-38D, with random nonces of 96 bits; keys by HMAC-SHA256 of the secret.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class Sealer:
    """Makes names, seals values and opens them; safe to share between threads."""

    def __init__(self, secret: str) -> None:
        """Derive the keys from a secret."""
        self._naming = _derive(secret, b"names")
        self._sealing = AESGCM(_derive(secret, b"values"))

    def name(self, kind: str, *parts: str) -> bytes:
        """Return the name of what `parts` decide: `eagleray:KIND:` and 64 hex digits.

        Other parts give another name, also where their texts joined are the same.
        """
        made = hmac.new(self._naming, kind.encode(), sha256)
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            made.update(len(data).to_bytes(8, "big"))
            made.update(data)
        return f"eagleray:{kind}:{made.hexdigest()}".encode()

    def seal(self, name: bytes, value: bytes) -> bytes:
        """Return a value as it may be stored under a name."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, value, name)

    def open(self, name: bytes, sealed: bytes) -> bytes | None:
        """Return the value that was sealed under this name; `None` where this is none."""
        if len(sealed) < _NONCE_BYTES:
            return None
        try:
            return self._sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name)
        except InvalidTag:
            return None


def _derive(secret: str, use: bytes) -> bytes:
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"eagleray shared 1 " + use, sha256).digest()
