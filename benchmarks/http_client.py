"""A cheap HTTP/1.1 client for loads: one connection that is kept, bytes in and out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came.

    Attributes:
        head: status line and headers.
    """

    status: int
    head: bytes
    body: bytes

    def read(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def write_request(
    url: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "",
) -> bytes:
    """Return the bytes of a request: POST where it has a body, otherwise GET, unless it says its method."""
    data = b"" if body is None else json.dumps(body).encode()
    method = method or ("GET" if body is None else "POST")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines.append("Accept: */*")  # the Model Context Protocol refuses requests without
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


class Connection:
    """One kept connection; opened when it is first used, and again after it broke."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer.

        Raises:
            OSError: the connection broke.
            asyncio.IncompleteReadError: the answer ended early.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 22)
        reader, writer = self._streams
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            answer = Answer(status=int(head[9:12]), head=head, body=await _read_body(reader, lower))
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            raise
        if b"\r\nconnection: close" in lower:
            await self.close()
        return answer

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """Return a body of a known length, or one that comes in chunks.

    Source: RFC 9112, section 7.1.
    """
    place = head.find(b"\r\ncontent-length:")
    if place >= 0:
        return await reader.readexactly(int(head[place + 17 : head.index(b"\r\n", place + 17)]))
    if b"\r\ntransfer-encoding: chunked" not in head:
        raise ConnectionError("an answer without a length")
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body
