"""Requests that ask for another protocol, read as the requests of HTTP/1.1 that they are.

httptools leaves such a request where its head ends, for what follows may be of the other protocol. A server
that takes up none still owes an answer to the whole request, body included. Java's HTTP client asks for h2c
with each request it sends in the clear.

Source: RFC 9110, section 7.8.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

_FRAMING: Final = frozenset([b"content-length", b"transfer-encoding"])
_HEAD: Final = ("on_message_begin", "on_url", "on_header", "on_headers_complete", "on_body")


class UpgradeParser:
    """Stands in for `httptools.HttpRequestParser`, and reads on where that one stops.

    Args:
        protocol: is called back, and holds the `headers` of the request that is read.
    """

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        callbacks = {name: getattr(protocol, name) for name in _HEAD}
        self._parser = HttpRequestParser(SimpleNamespace(**callbacks, on_message_complete=self._complete))
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._body: _BodyParser | None = None

    def feed_data(self, data: bytes) -> None:
        """Take bytes of a connection.

        Raises:
            HttpParserError: they are no HTTP.
            HttpParserUpgrade: a request asks for another protocol; its body was read, or will be as it comes.
        """
        if self._body is not None:
            self._body.feed(data)
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as asked:
            if not self._is_tunnel():
                self._body = _BodyParser(self._protocol)
                self._body.feed(memoryview(data)[asked.args[0] :])
            raise

    def release(self) -> None:
        """Let go of the protocol and what it holds: parsers and those they call know each other."""
        if self._body is not None:
            self._body.release()
        self._parser = self._body = None  # type: ignore[assignment]  # is asked nothing any more

    def should_upgrade(self) -> bool:
        """Return whether the request asks for another protocol."""
        return bool(self._parser.should_upgrade())

    def should_keep_alive(self) -> bool:
        """Return whether the connection may outlast the request."""
        return bool(self._parser.should_keep_alive())

    def get_http_version(self) -> str:
        """Return the request's version of HTTP."""
        return str(self._parser.get_http_version())

    def get_method(self) -> bytes:
        """Return the request's method."""
        return bytes(self._parser.get_method())

    def _is_tunnel(self) -> bool:
        return self.get_method() == b"CONNECT"  # has no body: what follows is for somebody else

    def _complete(self) -> None:
        if self._is_tunnel() or not self.should_upgrade():
            self._protocol.on_message_complete()


class _BodyParser:
    """Reads the body of a request whose head was read, and nothing after it."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._is_complete = False
        self._parser = HttpRequestParser(
            SimpleNamespace(on_body=protocol.on_body, on_message_complete=self._complete)
        )
        framing = (name + b": " + value for name, value in protocol.headers if name in _FRAMING)
        self.feed(b"\r\n".join([b"POST / HTTP/1.1", *framing, b"connection: close", b"", b""]))

    def feed(self, data: bytes | memoryview) -> None:
        if self._is_complete:
            return
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            if not self._is_complete:  # what follows a body is not read
                raise

    def release(self) -> None:
        self._parser = None  # type: ignore[assignment]  # is asked nothing any more

    def _complete(self) -> None:
        self._is_complete = True
        self._protocol.on_message_complete()
