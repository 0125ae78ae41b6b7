"""The one composition: settings to a server, in one process, in Ray's ingress and in tests.

Everything is opened in the order in which parts need one another, and closed in reverse; what one part raises
when it is closed keeps no other from being closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from eagleray.settings import Settings
from indexes.storage import open_store
from serve.answer_service import open_pipelines
from serve.audit.kinds import KINDS
from serve.composition.backend import Backend
from serve.composition.features import choose_features
from serve.composition.local_backend import open_local_backend
from serve.composition.models import Models
from serve.composition.searches import PROBE
from serve.composition.served_collections import CollectionOpener
from serve.composition.sharing import open_sharing
from serve.composition.stored_collections import find_collections
from serve.engine.collection_pool import CollectionPool
from serve.engine.quotas import make_quotas
from serve.engine.threads import Work, run_in_thread
from serve.http.app import open_app
from serve.http.collection_measures import MeasureReader
from serve.http.metrics import Metrics
from serve.http.serving import ServedCollection, ServedCollections, Server
from serve.identity.authenticator import Authenticator, open_authenticator
from serve.identity.exposure import check_metrics_exposure
from serve.tracing.exporting import start_tracing

if TYPE_CHECKING:
    from serve.redis.redis_sharing import Sharing


def open_server_authenticator(settings: Settings, *, host: str) -> Authenticator:
    """Return what knows the callers of a server that listens at a host.

    Raises:
        ExposureError: others could ask there, or read metrics, and nobody would be asked who they are.
        InputError: no caller could be authenticated.
    """
    check_metrics_exposure(host, settings.serve)
    return open_authenticator(settings.auth, store=open_store(settings.store, s3=settings.s3), host=host)


def open_local_server(settings: Settings, *, alias: str, host: str) -> AbstractAsyncContextManager[ASGIApp]:
    """Open a server that computes in its own process; see `open_server`.

    Args:
        settings: of the server.
        alias: whose snapshots answer.
        host: where it will listen.

    Raises:
        ExposureError: others could ask there, or read metrics, and nobody would be asked who they are.
        InputError: no caller could be authenticated.
    """
    return open_server(
        settings,
        alias=alias,
        authenticator=open_server_authenticator(settings, host=host),
        open_backend=lambda sharing: open_local_backend(settings, alias=alias, sharing=sharing),
    )


@asynccontextmanager
async def open_server(
    settings: Settings,
    *,
    alias: str,
    authenticator: Authenticator,
    open_backend: Callable[[Sharing | None], AbstractAsyncContextManager[Backend]],
) -> AsyncIterator[ASGIApp]:
    """Open a server, and give its application; the end of its lifespan closes it, or that of the block.

    Args:
        settings: of the server.
        alias: whose snapshots answer.
        authenticator: knows the callers.
        open_backend: opens what computes; given what is shared with other processes, `None` for nothing.

    Raises:
        InputError: a feature that is named is none, or two give or record the same.
        EagleRayError: a collection that is named, or a model, cannot be opened.
    """
    served = choose_features(settings.serve)
    kinds = KINDS.extend(*(kind for feature in served for kind in feature.kinds))
    async with AsyncExitStack() as stack:
        tracing = start_tracing(settings.tracing)
        if tracing is not None:
            stack.push_async_callback(run_in_thread, Work.CLOSING, tracing.shutdown)
        sharing = await stack.enter_async_context(open_sharing(settings))
        backend = await stack.enter_async_context(open_backend(sharing))
        stored = find_collections(settings, alias=alias)
        opener = CollectionOpener(settings, stored, backend=backend, kinds=kinds)
        pool = stored.make_pool(opener.open)
        stack.push_async_callback(pool.close)
        await pool.start()
        pipelines = await stack.enter_async_context(open_pipelines(settings.llm))
        server = replace(
            _make_server(settings, authenticator, backend=backend, pool=pool, sharing=sharing),
            pipelines=pipelines,
        )
        stack.push_async_callback(server.uncancellable.close)
        yield await open_app(stack, server, served)


def _make_server(
    settings: Settings,
    authenticator: Authenticator,
    *,
    backend: Backend,
    pool: CollectionPool[ServedCollection],
    sharing: Sharing | None,
) -> Server:
    collections = ServedCollections(pool.opened, default=settings.collection)
    metrics = Metrics(
        list_collections=collections.list_all,
        list_failing=lambda: pool.failing,
        read_queues=backend.read_queues,
        read_measures=MeasureReader(collections.list_all).read,
    )
    if sharing is not None:
        metrics.add(sharing.collector)
    models, serve = Models(settings), settings.serve
    return Server(
        collections=collections,
        model=models.describe_embedder(backend.identity, backend.encoders),
        reranker=models.describe_reranker(backend.ranker),
        probe=PROBE,
        authenticate=authenticator.authenticate,
        quotas=make_quotas(
            requests_per_s=serve.requests_per_s,
            texts_per_s=serve.texts_per_s,
            burst_s=serve.burst_s,
            shared=None if sharing is None else sharing.share_buckets(),
            default=settings.collection,
        ),
        metrics=metrics,
        max_body_bytes=serve.max_body_bytes,
    )
