"""Connections that may not be held for nothing, and not all by one: uvicorn bounds none of this.

The head of a request comes soon and is short; an answer is taken while it is sent; one address has so many
connections and no more. A body is bounded by `incoming.BodyLimit`, an answer by its deadline.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from eagleray.contracts.problems import MEDIA_TYPE, name_problem, split_words
from serve.http.middleware.upgrades import UpgradeParser
from serve.http.request_ids import HEADER

MAX_HEAD_BYTES: Final = 64 << 10
MAX_HEAD_FIELDS: Final = 256

FREE_PIECES: Final = 1_024
LEAST_PER_PIECE: Final = 16
"""A body may come in `FREE_PIECES` of any length, and in more where they have so many bytes on average: each
costs as much as a thousand bytes."""

LEAST_TAKEN: Final = 64 << 10
"""Bytes of an answer that a peer takes within `write_s`, or all that is left."""

_IPV6_BITS: Final = 64
"""Of an address that name its network, all of which one peer may have. Source: RFC 4291, section 2.5.4."""

_PHRASES: Final = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What connections may take.

    Attributes:
        head_s: seconds from a connection's start, or from a head's first byte, to the head's end.
        write_s: seconds in which a peer must take `LEAST_TAKEN` of an answer.
        most: connections open at once.
        most_per_peer: of one address.
        trusted: networks of proxies, which speak for many and are not bounded by `most_per_peer`.
    """

    head_s: float
    write_s: float
    most: int
    most_per_peer: int
    trusted: tuple[Network, ...] = ()


class Peers:
    """Counts the connections that are open by the address they come from; used from one thread."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Take the limits."""
        self._limits = limits
        self._n_open: Counter[str] = Counter()

    def enter(self, host: str) -> bool:
        """Count one more, and return whether it may be."""
        name = _name_peer(host)
        self._n_open[name] += 1
        if self._n_open.total() > self._limits.most:
            return False
        return self._n_open[name] <= self._limits.most_per_peer or self._is_trusted(name)

    def leave(self, host: str) -> None:
        """Count one less."""
        name = _name_peer(host)
        self._n_open[name] -= 1
        if not self._n_open[name]:
            del self._n_open[name]

    def _is_trusted(self, name: str) -> bool:
        if not name:
            return False
        network = ipaddress.ip_network(name)
        return any(
            network.version == known.version and network.overlaps(known) for known in self._limits.trusted
        )


def _name_peer(host: str) -> str:
    """Return the network that stands for an address; an IPv4 address stands for itself."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((address, _IPV6_BITS), strict=False))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(ipaddress.ip_network(mapped or address))


class _UnfitError(Exception):
    """Ends the parsing of what a connection sends."""


_HEAD_TOO_LONG: Final = (
    431,
    "HeadTooLongError",
    f"the head of a request may have {MAX_HEAD_FIELDS} fields and {MAX_HEAD_BYTES} bytes",
)
_BODY_IN_PIECES: Final = (
    400,
    "BodyPiecesError",
    f"a body of more than {FREE_PIECES} chunks must have {LEAST_PER_PIECE} bytes a chunk on average",
)
_NO_HTTP: Final = (400, "HttpError", "what came is no request of HTTP/1.1")


class PatientProtocol(HttpToolsProtocol):
    """Ends a connection that is one too many, whose next head does not come, or whose answer is not taken.

    Args:
        limits: of all connections.
        peers: that are connected; the same for all connections.
        **options: uvicorn's own.
    """

    def __init__(self, *, limits: ConnectionLimits, peers: Peers, **options: Any) -> None:
        super().__init__(**options)
        self.parser = UpgradeParser(self)  # type: ignore[assignment]  # has what uvicorn calls of the other
        self._limits, self._peers = limits, peers
        self._patience: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._n_head = 0
        self._n_named = self._n_pieces = self._n_body = 0
        self._unfit = _NO_HTTP
        self._n_answers = 0

    def connection_made(  # type: ignore[override]  # as uvicorn has it
        self, transport: asyncio.Transport
    ) -> None:
        """Wait for the first head, where there is room for one more connection."""
        super().connection_made(transport)
        if self._peers.enter(self.client[0] if self.client else ""):
            self._wait()
        else:
            self._refuse(503, "ConnectionsError", "too many connections are open; try again in 1 s")

    def data_received(self, data: bytes) -> None:
        """Take bytes of a head, or of a body whose head has come."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            return
        self._n_head += len(data)
        if self._n_head > MAX_HEAD_BYTES:
            self._refuse(*_HEAD_TOO_LONG)
        elif self._patience is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._peers.leave(self.client[0] if self.client else "")
        self._stop_waiting()
        self._stop_watching()
        self.parser.release()  # type: ignore[attr-defined]  # see `__init__`
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Look after an answer that is not taken as fast as it is made."""
        super().pause_writing()
        self._start_watching()

    def resume_writing(self) -> None:
        """Look no more: most of it was taken."""
        self._stop_watching()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Look after what is left of an answer, also where the connection is to be closed behind it."""
        self._n_answers += 1
        if self.transport.get_write_buffer_size():
            self._start_watching()
        super().on_response_complete()

    def on_message_begin(self) -> None:
        """Begin to count what it holds."""
        self._n_named = self._n_pieces = self._n_body = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the head's first line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field, while there are not too many of them; a head may come in one piece."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body, while they are not too many for what they hold."""
        self._n_pieces, self._n_body = self._n_pieces + 1, self._n_body + len(body)
        if self._n_pieces > FREE_PIECES and self._n_body < LEAST_PER_PIECE * self._n_pieces:
            self._stop_parsing(_BODY_IN_PIECES)
        super().on_body(body)

    def send_400_response(self, _: str) -> None:
        """Refuse what is no HTTP, or too much of it."""
        self._refuse(*self._unfit)

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if no other protocol had been asked for, and then no more: what follows may be of it."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _count(self, n_bytes: int) -> None:
        self._n_named += n_bytes
        if self._n_named > MAX_HEAD_BYTES or len(self.headers) >= MAX_HEAD_FIELDS:
            self._stop_parsing(_HEAD_TOO_LONG)

    def _stop_parsing(self, unfit: tuple[int, str, str]) -> NoReturn:
        self._unfit = unfit
        raise _UnfitError

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self._limits.head_s, self._end_waiting)

    def _end_waiting(self) -> None:
        self._refuse(
            408, "HeadTooSlowError", f"no head of a request came within {self._limits.head_s:g} seconds"
        )

    def _stop_waiting(self) -> None:
        self._n_head = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _start_watching(self) -> None:
        if self._watch is None:
            left = self.transport.get_write_buffer_size()
            self._watch = self.loop.call_later(self._limits.write_s, self._look, left, self._n_answers)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self, left: int, n_answers: int) -> None:
        """End the connection where too little was taken of the answer that was being sent."""
        self._watch = None
        now = self.transport.get_write_buffer_size()
        if not now:
            return
        if n_answers == self._n_answers and left - now < min(left, LEAST_TAKEN):
            self.transport.abort()
        else:
            self._start_watching()

    def _refuse(self, status: int, kind: str, detail: str) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(_write_refusal(status, kind, detail))
            self.transport.close()
            self._start_watching()


def _write_refusal(status: int, kind: str, detail: str) -> bytes:
    """Return an answer in HTTP/1.1 that ends a connection, in the shape of `problems.make_problem`."""
    name = uuid.uuid4().hex
    title = split_words(kind).capitalize()
    told = {
        "type": name_problem(kind),
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": name,
    }
    body = json.dumps(told).encode()
    head = [
        f"HTTP/1.1 {status} {_PHRASES[status]}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"{HEADER}: {name}",
        *(["retry-after: 1"] if status == 503 else []),
        "connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
