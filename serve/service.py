"""Serves one collection over HTTP in this process: opens, follows, listens, and ends cleanly when told to."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from eagleray.contracts.services import ServeRequest
from eagleray.embedders import open_embedder
from eagleray.errors import InputError
from eagleray.settings import Settings
from serve.assembling import (
    choose_limits,
    make_alias_watcher,
    make_encoders,
    make_model,
    make_ranker,
    make_serving,
    open_door,
)
from serve.audit.service import make_writer
from serve.engine.answering import Answerer
from serve.engine.group_writing import GroupWriter
from serve.engine.startup_objects import keep_startup_objects
from serve.engine.threads import Work, run_in_thread
from serve.http.app import make_app
from serve.http.middleware.connections import ConnectionLimits, PatientProtocol, Peers
from serve.identity.authenticating import Authenticator
from serve.search_opening import open_searches
from serve.sharing import open_sharing
from serve.tracing.exporting import start_tracing
from serve.uploading import make_uploads
from serve.writing import make_document_writer
from serve.writing_process import make_writing_process

_GRACE_S: Final = 30
"""Seconds that requests get to end after the process is told to."""

_BACKLOG: Final = 512


class HttpServeService:
    """Implements `ServeService` with uvicorn."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def serve(self, request: ServeRequest, on_ready: Callable[[str], None]) -> None:
        """Serve a collection until SIGTERM or SIGINT; see `ServeService`."""
        door = open_door(self._settings, request)
        listening = _listen(request.host, request.port)
        try:
            asyncio.run(_serve(self._settings, request, listening, door, on_ready))
        finally:
            listening.close()


def _listen(host: str, port: int) -> socket.socket:
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
    settings: Settings,
    request: ServeRequest,
    listening: socket.socket,
    door: Authenticator,
    on_ready: Callable[[str], None],
) -> None:
    embedder, tracing = open_embedder(settings.embedder), start_tracing(settings.tracing)
    watcher, encoders = (
        make_alias_watcher(settings, request.alias, embedder),
        make_encoders(settings, embedder),
    )
    answerer, writer = Answerer(watcher, choose_limits(settings)), make_writer(settings)
    ranker = make_ranker(settings)
    writing = make_writing_process(settings, alias=request.alias)
    group = GroupWriter(writing.commit)
    sharing = open_sharing(settings, alias=request.alias)
    opened = await open_searches(
        settings, embedder=embedder, watcher=watcher, answerer=answerer, sharing=sharing
    )
    serving = make_serving(
        settings,
        alias=request.alias,
        door=door,
        writer=writer,
        watcher=watcher,
        searches=opened.searches,
        answerer=answerer,
        model=make_model(settings, embedder.identity, encoders),
        ranker=ranker,
        documents=make_document_writer(settings, alias=request.alias, write=group.write),
        buckets=None if sharing is None else sharing.share_buckets(),
        uploads=make_uploads(settings),
    )

    async def start() -> None:
        host, port = listening.getsockname()[:2]
        on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def stop() -> None:
        await serving.uncancellable.close()
        await group.close()
        await run_in_thread(Work.WRITES, writing.close)
        await opened.close()
        await answerer.close()
        await serving.collection.exclusive.close()
        await encoders.passages.close()
        await encoders.questions.close()
        if ranker is not None:
            await ranker.close()
        if sharing is not None:
            await sharing.close()
        await watcher.close()
        await run_in_thread(Work.AUDIT, writer.close)
        if tracing is not None:
            await run_in_thread(Work.CLOSING, tracing.shutdown)

    await watcher.start()
    if sharing is not None:
        sharing.share_moves(watcher)
        serving.metrics.add(sharing.collector)
    await run_in_thread(Work.AUDIT, writer.open)
    config = _configure(make_app(serving, start=start, stop=stop), settings)
    keep_startup_objects()
    await _Server(config).serve(sockets=[listening])


def _configure(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    serve = settings.serve
    limits = ConnectionLimits(
        head_s=serve.head_timeout_s,
        write_s=serve.write_timeout_s,
        most=serve.max_connections,
        most_per_peer=serve.max_connections_per_peer,
        trusted=tuple(map(ipaddress.ip_network, serve.trusted_proxies.split())),
    )
    return uvicorn.Config(
        app,
        http=partial(PatientProtocol, limits=limits, peers=Peers(limits)),  # type: ignore[arg-type]
        ws="none",
        proxy_headers=False,  # nothing is made of who a proxy speaks for, or of how it is reached
        log_config=None,
        access_log=False,
        timeout_keep_alive=serve.idle_timeout_s,
        timeout_graceful_shutdown=_GRACE_S,
    )


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
