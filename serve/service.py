"""Serves collections over HTTP in this process: opens, follows, listens, and ends cleanly when told to."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from eagleray.contracts.services import ServeRequest
from eagleray.errors import ExposureError, InputError
from eagleray.setting_groups.serving import ServeSettings
from eagleray.settings import Settings
from indexes.built_embedder import recall_embedder
from serve.composition.server import open_local_server
from serve.engine.startup_objects import keep_startup_objects
from serve.http.middleware.connections import ConnectionLimits, PatientProtocol, Peers
from serve.identity.exposure import is_loopback

_GRACE_S: Final = 30
"""Seconds that requests get to end after the process is told to."""

_BACKLOG: Final = 512


class HttpServeService:
    """Implements `ServeService` with uvicorn."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def serve(self, request: ServeRequest, on_ready: Callable[[str], None]) -> None:
        """Serve collections until SIGTERM or SIGINT; see `ServeService`."""
        if request.is_development and not is_loopback(request.host):
            detail = "--development is for loopback alone; leave it out, or listen on 127.0.0.1"
            raise ExposureError(host=request.host, detail=detail)
        is_development = request.is_development or self._settings.auth.is_development
        auth = self._settings.auth.model_copy(update={"is_development": is_development})
        settings = recall_embedder(self._settings).model_copy(update={"auth": auth})
        opening = open_local_server(settings, alias=request.alias, host=request.host)
        listening = listen(request.host, request.port)
        try:
            asyncio.run(_serve(opening, listening, limits=settings.serve, on_ready=on_ready))
        finally:
            listening.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections.

    Raises:
        InputError: this process cannot listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    protocol = socket.IPPROTO_TCP  # named, or asyncio sets no TCP_NODELAY, and answers wait
    listening = socket.socket(family, socket.SOCK_STREAM, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise InputError(detail=f"cannot listen on {host}, port {port}: {error}") from error
    return listening


async def _serve(
    opening: AbstractAsyncContextManager[ASGIApp],
    listening: socket.socket,
    *,
    limits: ServeSettings,
    on_ready: Callable[[str], None],
) -> None:
    async with opening as app:
        keep_startup_objects()
        host, port = listening.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        server = _Server(_configure(app, limits), on_ready=lambda: on_ready(url))
        await server.serve(sockets=[listening])


def _configure(app: ASGIApp, settings: ServeSettings) -> uvicorn.Config:
    limits = ConnectionLimits(
        head_s=settings.head_timeout_s,
        write_s=settings.write_timeout_s,
        most=settings.max_connections,
        most_per_peer=settings.max_connections_per_peer,
        trusted=tuple(map(ipaddress.ip_network, settings.trusted_proxies.split())),
    )
    return uvicorn.Config(
        app,
        http=partial(PatientProtocol, limits=limits, peers=Peers(limits)),  # type: ignore[arg-type]
        ws="none",
        proxy_headers=False,  # nothing is made of who a proxy speaks for, or of how it is reached
        log_config=None,
        access_log=False,
        timeout_keep_alive=settings.idle_timeout_s,
        timeout_graceful_shutdown=_GRACE_S,
    )


class _Server(uvicorn.Server):
    """Ends as a success where it was told to end; uvicorn's own would die of the signal in the end.

    Args:
        config: of uvicorn.
        on_ready: called once requests are taken.
    """

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals to end for the length of a block."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
