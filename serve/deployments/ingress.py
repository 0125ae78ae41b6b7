"""One replica that speaks HTTP: the routes of a serving process, over parts in other processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ray.serve._private.constants import RAY_SERVE_ENABLE_HA_PROXY
from ray.serve.context import _get_global_client
from starlette.types import ASGIApp, Message

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.errors import UnavailableError
from eagleray.setting_groups.serving import ServeSettings
from serve.composition.backend import Backend, CollectionBackend
from serve.composition.models import Models, TextEncoders
from serve.composition.server import open_server, open_server_authenticator
from serve.deployments.arguments import Arguments
from serve.deployments.calling import call
from serve.deployments.remote import (
    RemoteAnswerer,
    RemoteEncoder,
    RemoteQueues,
    RemoteRanker,
    RemoteSearches,
    RemoteWriter,
)
from serve.deployments.remote_watchers import Standings
from serve.engine.queue_states import QueueState
from serve.engine.startup_objects import keep_startup_objects
from serve.http.request_ids import NamedByProxy

if TYPE_CHECKING:
    from serve.redis.redis_sharing import Sharing

_EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - named, not listened on


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteBackend:
    """Implements `Backend` over replicas.

    Attributes:
        standings: of the searchers with the aliases.
        searcher: handle of the searchers.
        writer: handle of the writers.
        limits: say how long each may take.
    """

    identity: EmbedderIdentity
    encoders: TextEncoders
    ranker: RemoteRanker | None
    standings: Standings
    searcher: Any
    writer: Any
    limits: ServeSettings
    queues: RemoteQueues

    async def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits in each queue of all replicas that say so in time."""
        return await self.queues.read()

    @asynccontextmanager
    async def open_collection(self, name: str) -> AsyncIterator[CollectionBackend]:
        """Open what answers on a collection."""
        limits = self.limits
        remote = RemoteWriter(self.writer, name, timeout_s=limits.embed_timeout_s)
        yield CollectionBackend(
            watcher=await self.standings.open(name),
            searches=RemoteSearches(self.searcher, name, timeout_s=limits.timeout_s),
            answerer=RemoteAnswerer(self.searcher, name, timeout_s=limits.timeout_s),
            write=remote.write,
        )


class Ingress:
    """Knows the callers, checks what they ask, and records how it ended."""

    def __init__(
        self,
        arguments: Arguments,
        *,
        searcher: Any,
        encoder: Any,
        writer: Any,
        ranker: Any = None,
    ) -> None:
        """Take the handles of what computes.

        Args:
            arguments: of the application.
            searcher: of the searchers.
            encoder: of the encoders.
            writer: of the writers.
            ranker: of the rankers, where there are any.

        Raises:
            ExposureError: others could ask where Ray Serve listens, and nobody would be asked who they are.
            InputError: no caller could be authenticated.
        """
        self._settings, self._alias = arguments.read_settings(), arguments.alias
        self._authenticator = open_server_authenticator(self._settings, host=find_host())
        self._searcher, self._encoder = searcher, encoder
        self._writer, self._ranker = writer, ranker
        self._stack = AsyncExitStack()
        self._app: ASGIApp | None = None

    async def __serve_build_asgi_app__(self) -> ASGIApp:
        """Return the application; Ray Serve asks for it once, and the end of its lifespan closes it."""
        opening = open_server(
            self._settings,
            alias=self._alias,
            authenticator=self._authenticator,
            open_backend=self._open_backend,
        )
        self._app = await self._stack.enter_async_context(opening)
        keep_startup_objects()
        return NamedByProxy(self._app)

    @asynccontextmanager
    async def _open_backend(self, sharing: Sharing | None) -> AsyncIterator[Backend]:  # noqa: ARG002 - searchers have their own
        limits = self._settings.serve
        identity = await call(
            lambda _: self._encoder.identify.remote(), part="encoder", timeout_s=limits.embed_timeout_s
        )
        standings = Standings(self._searcher, interval_s=limits.poll_s, timeout_s=limits.timeout_s)
        ranker = None
        if self._ranker is not None:
            ranker = RemoteRanker(self._ranker, timeout_s=limits.rerank_timeout_s)
        standings.start()
        try:
            yield RemoteBackend(
                identity=identity,
                encoders=self._reach_encoders(identity),
                ranker=ranker,
                standings=standings,
                searcher=self._searcher,
                writer=self._writer,
                limits=limits,
                queues=RemoteQueues(
                    [
                        handle
                        for handle in (self._searcher, self._encoder, self._ranker, self._writer)
                        if handle is not None
                    ]
                ),
            )
        finally:
            await standings.close()

    def _reach_encoders(self, identity: EmbedderIdentity) -> TextEncoders:
        limits = Models(self._settings).choose_encoder_limits(identity)
        return TextEncoders(
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


def find_host() -> str:
    """Return the address that requests come to; with HAProxy every one, as its replicas listen on all.

    That decides who may ask without showing anything.
    """
    client = _get_global_client()
    if client is None or RAY_SERVE_ENABLE_HA_PROXY:
        return _EVERY_ADDRESS
    return str(client.http_config.host or _EVERY_ADDRESS)
