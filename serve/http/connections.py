"""Connections that may not be held for nothing: the head of a request comes soon and is short, or it ends.

uvicorn bounds neither. A body is bounded by `incoming.BodyLimit`, an answer by its deadline.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

MAX_HEAD_BYTES: Final = 64 << 10

_TOO_SLOW: Final = b"408 Request Timeout"
_NO_MORE: Final = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LONG: Final = b"431 Request Header Fields Too Large"


class PatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn chooses the class as it runs
    """Ends a connection whose next request does not begin, or not end its head, in time.

    Args:
        head_s: seconds from the connection's start, or from the head's first byte, to the head's end.
        **options: uvicorn's own.
    """

    def __init__(self, *, head_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._head_s = head_s
        self._patience: asyncio.TimerHandle | None = None
        self._n_head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a head, or of a body whose head has come."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            return
        self._n_head += len(data)
        if self._n_head > MAX_HEAD_BYTES:
            self._refuse(_TOO_LONG)
        elif self._patience is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self._head_s, self._refuse, _TOO_SLOW)

    def _stop_waiting(self) -> None:
        self._n_head = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: bytes) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + _NO_MORE)
            self.transport.close()
