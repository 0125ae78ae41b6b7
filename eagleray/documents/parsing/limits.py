"""What parsing one file may take, and what may come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHARE_BYTES: Final = 8 << 20
"""Bytes that limits are stated for: three times as many get three times as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """Bounds of one file; time, records and text are those of each `SHARE_BYTES` begun that are parsed.

    Attributes:
        memory_bytes: memory that parsing takes beyond what the parsers' libraries do.
        timeout_s: seconds of processor time.
        max_records: records and dead letters that come out.
        max_text_bytes: bytes of records that come out, as JSON.
        max_pages: pages of a file that has pages.
        recycle_files: files after which a process is replaced.
    """

    memory_bytes: int = 512 << 20
    timeout_s: float = 60.0
    max_records: int = 1_000_000
    max_text_bytes: int = 128 << 20
    max_pages: int = 5_000
    recycle_files: int = 200


def count_shares(n_bytes: int) -> int:
    """Return how many times `n_bytes` may take what the limits say."""
    return max(1, -(-n_bytes // SHARE_BYTES))
