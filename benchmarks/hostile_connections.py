"""Connections that hold what they do not use: each kind is opened many times, kept, and closed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_SOURCE: Final = "127.0.0.2"
"""Where they come from: others than whoever else asks."""

_POST: Final = b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n"
_GET: Final = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n\r\n"
_LIVE: Final = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What each connection of a kind sends.

    Attributes:
        n: connections.
        first: bytes at once; `KEY` stands for the key.
        again: bytes again and again.
        every_s: seconds between two of these.
    """

    n: int
    first: bytes = b""
    again: bytes = b""
    every_s: float = 0.2


CONNECTIONS: Final[Mapping[str, Hold]] = {
    "idle connections": Hold(n=400),
    "heads that drip": Hold(n=100, first=_LIVE, again=b"X: y\r\n"),
    "bodies that stall": Hold(
        n=100, first=_POST + b'Content-Length: 1000000\r\n\r\n{"input": "' + b"a" * 60_000
    ),
    "answers that nobody reads": Hold(n=30, first=_GET * 60),
    "bodies of one-byte chunks": Hold(
        n=20, first=_POST + b"Transfer-Encoding: chunked\r\n\r\n", again=b"1\r\na\r\n" * 2_000, every_s=0.01
    ),
    "heads of many fields": Hold(n=100, first=_LIVE + b"X: y\r\n" * 20_000),
    "bytes that are no HTTP": Hold(n=100, first=bytes(range(256)) * 200),
}


def hold_connections(url: str, kind: Hold, *, key: str, seconds: float) -> int:
    """Open the connections of a kind, hold them, close them, and return how many were made."""
    parts = urlsplit(url)
    with _open((parts.hostname or "", parts.port or 80), kind.n) as held:
        _send(held, kind.first.replace(b"KEY", key.encode("ascii")))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            _send(held, kind.again)
            time.sleep(kind.every_s)
        return len(held)


@contextmanager
def _open(address: tuple[str, int], n: int) -> Iterator[list[socket.socket]]:
    held: list[socket.socket] = []
    try:
        for _ in range(n):
            made = socket.socket()
            held.append(made)
            made.settimeout(1.0)
            with suppress(OSError):  # refused: the server takes no more from there
                made.bind((_SOURCE, 0))
                made.connect(address)
        yield held
    finally:
        for item in held:
            item.close()


def _send(held: list[socket.socket], data: bytes) -> None:
    """Send on all connections; those that the server has closed are passed over."""
    for item in held:
        with suppress(OSError):
            item.sendall(data)
