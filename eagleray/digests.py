"""Digests: how content becomes names.

Files and manifests are named by the SHA-256 of their bytes or of their canonical JSON;
`chunk_id` is the first 63 bits of a SHA-256, so that it fits a signed int64.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def digest_bytes(data: bytes | memoryview) -> str:
    """Return the SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces, in UTF-8; the same value gives the same bytes.

    Raises:
        ValueError: `value` holds NaN or an infinity.
        TypeError: `value` holds something JSON has no form for.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def digest_json(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `value` as 64 hex digits."""
    return digest_bytes(canonical_json(value))


def make_chunk_id(doc_id: str, version: str, chunker_digest: str, ordinal: int) -> int:
    """Return the chunk's id: 63 bits, never negative, the same on every machine."""
    key = canonical_json([doc_id, version, chunker_digest, ordinal])
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1
