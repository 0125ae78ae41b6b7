"""Frames on a pipe: a kind, a length, a payload; a reader knows the length before it takes the payload."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

HEADER: Final = struct.Struct(">BI")
MAX_PAYLOAD: Final = (1 << 32) - 1


class FrameKind(IntEnum):
    """What a frame says; the first three come from the caller, the others from the parser's process."""

    PARSE = 1
    DATA = 2
    READ_FAILED = 3
    READY = 10
    READ = 11
    ITEMS = 12
    DONE = 13
    FAULT = 14
    MISSING_EXTRA = 15


def make_frame(kind: FrameKind, payload: bytes = b"") -> bytes:
    """Return a frame.

    Raises:
        ValueError: the payload is 4 GiB or longer.
    """
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a frame takes {MAX_PAYLOAD} bytes, not {len(payload)}")
    return HEADER.pack(kind, len(payload)) + payload
