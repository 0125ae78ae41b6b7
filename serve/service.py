"""Serves one collection over HTTP in this process: opens, follows, listens, and ends cleanly when told to."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

import uvicorn

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.ports import Embedder
from eagleray.contracts.services import ServeRequest
from eagleray.embedders import open_counter, open_embedder, open_tokenize, read_pooling
from eagleray.embedders.remembering import RememberingEmbedder
from eagleray.errors import InputError
from eagleray.rerankers import open_pair_reader, open_reranker
from eagleray.settings import Settings
from indexes.service import open_searcher
from indexes.snapshots.catalog import resolve
from indexes.storage import open_store
from serve.audit.entries import Questions, record_search
from serve.audit.service import make_writer
from serve.audit.writing import AuditWriter
from serve.engine.answering import Answerer, Limits
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.following import Follower
from serve.engine.reranking import Ranker, RankerLimits
from serve.engine.shelf import Shelf
from serve.http.app import make_app
from serve.http.connections import PatientProtocol
from serve.http.metrics import Metrics
from serve.http.serving import Ended, ServedCollection, ServedModel, ServedReranker, Serving
from serve.identity.authenticating import Authenticator
from serve.identity.exposure import check_metrics_exposure
from serve.identity.opening import open_authenticator
from serve.tracing.exporting import start_tracing

_GRACE_S: Final = 30
"""Seconds that requests get to end after the process is told to."""

_BACKLOG: Final = 512

_PROBE: Final = SearchRequest(query="ready", k=1, mode=SearchMode.HYBRID)
"""Asked of a new snapshot before it answers others, and to tell whether the process is ready."""


class HttpServeService:
    """Implements `ServeService` with uvicorn."""

    def serve(self, settings: Settings, request: ServeRequest, on_ready: Callable[[str], None]) -> None:
        """Serve a collection until SIGTERM or SIGINT; see `ServeService`."""
        door = open_door(settings, request)
        listening = _listen(request.host, request.port)
        try:
            asyncio.run(_serve(settings, request, listening, door, on_ready))
        finally:
            listening.close()


def open_door(settings: Settings, request: ServeRequest) -> Authenticator:
    """Return what knows the callers.

    Raises:
        ExposureError: others could ask there, or read metrics, and nobody would be asked who they are.
        InputError: nobody could ask.
    """
    check_metrics_exposure(request.host, settings.serve)
    auth = settings.auth.model_copy(
        update={"is_development": settings.auth.is_development or request.is_development}
    )
    door = open_authenticator(auth, store=open_store(settings.store, s3=settings.s3), host=request.host)
    if door.keys is None and door.tokens is None and door.nobody is None:
        ways = "EAGLERAY_AUTH__API_KEYS=true, EAGLERAY_AUTH__OIDC__ISSUER, or on loopback --development"
        raise InputError(detail=f"nobody could ask: no way to tell who asks is set; set {ways}")
    return door


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    protocol = (
        socket.IPPROTO_TCP
    )  # named, or asyncio sets no TCP_NODELAY and answers wait for acknowledgements
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
    follower, model = _make_follower(settings, request, embedder), _make_model(settings, embedder)
    reranker = _make_reranker(settings)
    answerer, writer = Answerer(follower, _choose_limits(settings)), make_writer(settings)
    serving = Serving(
        collection=ServedCollection(name=settings.collection, follower=follower, answerer=answerer),
        model=model,
        probe=_PROBE,
        authenticate=door.authenticate,
        record=partial(_record, writer, settings.audit.questions),
        metrics=Metrics(
            collection=settings.collection,
            follower=follower,
            answerer=answerer,
            audit=lambda: writer.counts,
        ),
        metrics_for=settings.serve.metrics,
        reranker=reranker,
    )

    async def start() -> None:
        host, port = listening.getsockname()[:2]
        on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def stop() -> None:
        await answerer.close()
        await model.encoder.close()
        await model.questions.close()
        if reranker is not None:
            await reranker.ranker.close()
        await follower.close()
        await asyncio.to_thread(writer.close)
        if tracing is not None:
            await asyncio.to_thread(tracing.shutdown)

    await follower.start()
    await asyncio.to_thread(writer.open)
    config = uvicorn.Config(
        make_app(serving, start=start, stop=stop),
        http=partial(PatientProtocol, head_s=settings.serve.head_timeout_s),  # type: ignore[arg-type]
        limit_concurrency=settings.serve.max_connections,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    await _Server(config).serve(sockets=[listening])


def _make_follower(settings: Settings, request: ServeRequest, embedder: Embedder) -> Follower:
    remembering = RememberingEmbedder(embedder)
    return Follower(
        Shelf(lambda snapshot: open_searcher(settings, snapshot=snapshot, embedder=remembering)),
        partial(resolve, open_store(settings.store, s3=settings.s3), settings.collection, request.alias),
        probe=lambda engine: engine.search(_PROBE),
        interval_s=settings.serve.poll_s,
    )


def _make_model(settings: Settings, embedder: Embedder) -> ServedModel:
    limits = EncoderLimits(
        max_tokens=embedder.identity.max_tokens,
        max_batch_tokens=settings.embedder.max_batch_tokens,
        max_waiting=settings.serve.embed_max_waiting,
        timeout_s=settings.serve.embed_timeout_s,
    )
    count = open_counter(settings.embedder)
    return ServedModel(
        identity=embedder.identity,
        encoder=Encoder(embedder.embed_passages, count=count, limits=limits),
        questions=Encoder(embedder.embed_queries, count=count, limits=limits),
        tokenize=open_tokenize(settings.embedder),
        pooling=read_pooling(settings.embedder),
        created_at=int(time.time()),
    )


def _make_reranker(settings: Settings) -> ServedReranker | None:
    reranker = open_reranker(settings.reranker)
    if reranker is None:
        return None
    pairs = open_pair_reader(settings.reranker)
    limits = RankerLimits(
        max_tokens=pairs.max_tokens,
        max_waiting=settings.serve.rerank_max_waiting,
        timeout_s=settings.serve.rerank_timeout_s,
    )
    ranker = Ranker(reranker.score, count=pairs.count, limits=limits)
    return ServedReranker(pairs=pairs, ranker=ranker, created_at=int(time.time()))


def _choose_limits(settings: Settings) -> Limits:
    return Limits(
        n_threads=settings.serve.threads or os.cpu_count() or 1,
        max_waiting=settings.serve.max_waiting,
        timeout_s=settings.serve.timeout_s,
    )


def _record(writer: AuditWriter, questions: Questions, ended: Ended) -> None:
    entry = record_search(
        ended.request,
        ended.outcome,
        questions=questions,
        latency_us=ended.latency_us,
        snapshot=ended.snapshot,
        request_id=ended.request_id,
    )
    writer.append(entry)


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
