"""Serves one collection over HTTP in this process: opens, follows, listens, and ends cleanly when told to."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

import uvicorn

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import ServeRequest
from eagleray.embedders import open_embedder
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.errors import InputError
from eagleray.settings import Settings
from indexes.service import open_searcher
from indexes.snapshots.catalog import resolve
from indexes.storage import open_store
from serve.engine.answering import Answerer, Limits
from serve.engine.following import Follower
from serve.engine.shelf import Shelf
from serve.http.app import make_app
from serve.http.routes import Serving

_GRACE_S: Final = 30
"""Seconds that requests get to end after the process is told to."""

_BACKLOG: Final = 512


class HttpServeService:
    """Implements `ServeService` with uvicorn."""

    def serve(self, settings: Settings, request: ServeRequest, on_ready: Callable[[str], None]) -> None:
        """Serve a collection until SIGTERM or SIGINT; see `ServeService`."""
        check_host(request.host)
        listening = _listen(request.host, request.port)
        try:
            asyncio.run(_serve(settings, request, listening, on_ready))
        finally:
            listening.close()


def check_host(host: str) -> None:
    """Refuse an address beyond loopback: nobody is asked who they are.

    Raises:
        InputError: it is one, or none at all.
    """
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise InputError(detail=f"host {host!r}: expected an address, such as 127.0.0.1") from error
    if not is_loopback:
        detail = f"host {host} can be reached by others, and callers are not asked who they are"
        raise InputError(detail=f"{detail}; serve on 127.0.0.1")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise InputError(detail=f"cannot listen on {host}, port {port}: {error}") from error
    return listening


async def _serve(
    settings: Settings, request: ServeRequest, listening: socket.socket, on_ready: Callable[[str], None]
) -> None:
    embedder = RememberingEmbedder(open_embedder(settings.embedder))
    probe = SearchRequest(query="ready", k=1, mode=SearchMode.HYBRID)
    follower = Follower(
        Shelf(lambda snapshot: open_searcher(settings, snapshot=snapshot, embedder=embedder)),
        partial(resolve, open_store(settings.store, s3=settings.s3), settings.collection, request.alias),
        probe=lambda engine: engine.search(probe),
        interval_s=settings.serve.poll_s,
    )
    limits = Limits(
        n_threads=settings.serve.threads or os.cpu_count() or 1,
        max_waiting=settings.serve.max_waiting,
        timeout_s=settings.serve.timeout_s,
    )
    answerer = Answerer(follower, limits)
    principal = Principal(subject="development", groups=request.groups)
    serving = Serving(
        collection=settings.collection,
        follower=follower,
        answerer=answerer,
        probe=probe,
        identify=lambda _: principal,
    )

    async def start() -> None:
        host, port = listening.getsockname()[:2]
        on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def stop() -> None:
        await answerer.close()
        await follower.close()

    await follower.start()
    config = uvicorn.Config(
        make_app(serving, start=start, stop=stop),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    await _Server(config).serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends as a success where it was told to end; uvicorn's own would die of the signal in the end."""

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
