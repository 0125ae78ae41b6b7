"""One replica that speaks HTTP: the routes of a serving process, over parts in other processes."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.services import ServeRequest
from eagleray.errors import UnavailableError
from serve.assembling import choose_encoder_limits, make_model, make_serving, open_door
from serve.audit.service import make_writer
from serve.deployments.arguments import Arguments
from serve.deployments.calling import call
from serve.deployments.listening import find_host
from serve.deployments.remote import (
    RemoteAnswerer,
    RemoteEncoder,
    RemoteEncoders,
    RemoteFollower,
    RemoteRanker,
    RemoteSearches,
    RemoteWriter,
)
from serve.engine.startup_objects import keep_startup_objects
from serve.engine.threads import Work, run_in_thread
from serve.http.app import make_app
from serve.sharing import open_sharing
from serve.tracing.exporting import start_tracing
from serve.uploading import make_uploads
from serve.writing import make_document_writer


class Ingress:
    """Knows the callers, checks what they ask, and records how it ended."""

    def __init__(
        self, arguments: Arguments, *, searcher: Any, encoder: Any, writer: Any, ranker: Any = None
    ) -> None:
        """Take the handles of the searchers, the encoders, the writers and, where there are any, the rankers.

        Raises:
            ExposureError: others could ask where Ray Serve listens, and nobody would be asked who they are.
            InputError: nobody could ask.
        """
        self._settings, self._alias = arguments.read_settings(), arguments.alias
        self._door = open_door(self._settings, ServeRequest(host=find_host(), alias=arguments.alias))
        self._searcher, self._encoder = searcher, encoder
        self._writer, self._ranker = writer, ranker
        self._app: ASGIApp | None = None

    async def __serve_build_asgi_app__(self) -> ASGIApp:
        """Return the application; Ray Serve asks for it once, and runs its lifespan."""
        settings, limits = self._settings, self._settings.serve
        tracing, audit = start_tracing(settings.tracing), make_writer(settings)
        watcher = RemoteFollower(self._searcher, interval_s=limits.poll_s, timeout_s=limits.timeout_s)
        identity = await call(
            lambda _: self._encoder.identify.remote(), part="encoder", timeout_s=limits.embed_timeout_s
        )
        ranker = None
        if self._ranker is not None:
            ranker = RemoteRanker(self._ranker, timeout_s=limits.rerank_timeout_s)
        remote = RemoteWriter(self._writer, timeout_s=limits.embed_timeout_s)
        sharing = open_sharing(settings, alias=self._alias)
        serving = make_serving(
            settings,
            alias=self._alias,
            door=self._door,
            writer=audit,
            watcher=watcher,
            searches=RemoteSearches(self._searcher, timeout_s=limits.timeout_s),
            answerer=RemoteAnswerer(self._searcher, timeout_s=limits.timeout_s),
            model=make_model(settings, identity, self._reach_encoders(identity)),
            ranker=ranker,
            documents=make_document_writer(settings, alias=self._alias, write=remote.write),
            uploads=make_uploads(settings),
            buckets=None if sharing is None else sharing.share_buckets(),
        )
        if sharing is not None:
            serving.metrics.add(sharing.collector)

        async def start() -> None:
            await watcher.start()
            keep_startup_objects()
            await run_in_thread(Work.AUDIT, audit.open)

        async def stop() -> None:
            await serving.uncancellable.close()
            await serving.collection.exclusive.close()
            await watcher.close()
            if sharing is not None:
                await sharing.close()
            await run_in_thread(Work.AUDIT, audit.close)
            if tracing is not None:
                await run_in_thread(Work.CLOSING, tracing.shutdown)

        self._app = make_app(serving, start=start, stop=stop)
        return self._app

    def _reach_encoders(self, identity: EmbedderIdentity) -> RemoteEncoders:
        limits = choose_encoder_limits(self._settings, identity)
        return RemoteEncoders(
            passages=RemoteEncoder(self._encoder, is_question=False, limits=limits),
            questions=RemoteEncoder(self._encoder, is_question=True, limits=limits),
        )

    async def check_health(self) -> None:
        """Answer a request, without the searchers: their illness is not this replica's.

        Raises:
            UnavailableError: it is not answered.
        """
        if self._app is not None and await _ask_live(self._app) != 200:
            raise UnavailableError(part="ingress", retry_after_s=1.0)


async def _ask_live(app: ASGIApp) -> int:
    """Return the status of `GET /health/live`."""
    path, statuses = "/health/live", [0]
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[-1]
