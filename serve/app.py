"""The application of Ray Serve: `serve run serve.app:app`, or `serve.app:build` with arguments.

Ray reads the annotation of `build` itself, so annotations are not postponed here.
"""

from typing import Any, Final

from ray import serve as ray_serve
from ray.serve.config import BackpressureConfig
from ray.serve.schema import LoggingConfig

from eagleray.settings import Settings
from serve.deployments.arguments import Arguments
from serve.deployments.encoder import TextEncoder
from serve.deployments.ending import end_application_at_exit
from serve.deployments.ingress import Ingress
from serve.deployments.ranker import DocumentRanker
from serve.deployments.scaling import choose_count
from serve.deployments.searcher import SearcherReplica
from serve.deployments.shard import SegmentShard
from serve.deployments.writer import CollectionWriter

_GRACE_S: Final = 30.0
"""Seconds that requests get to end when a replica is told to."""

_HEALTH_PERIOD_S: Final = 5.0
_SHARE_CPUS: Final = 0.25
"""Cores that Ray sets aside for a replica that speaks HTTP, embeds texts, writes or ranks."""

_LEAST_CPUS: Final = 0.5
"""The same for a searcher of one thread, so that two, and all else, start on two cores."""

_INGRESS_ONGOING: Final = 32.0
"""Requests an ingress of a range is for: most of them only wait for a searcher."""

_ENCODER_ONGOING: Final = 16.0
"""The same for an encoder, which embeds the texts of many together."""

_RANKER_ONGOING: Final = 2.0
"""The same for a ranker: one scored, one waiting."""


def build(arguments: Arguments) -> ray_serve.Application:
    """Return the application, bound.

    Raises:
        InputError: a setting is unknown or does not fit.
    """
    end_application_at_exit()
    settings = arguments.read_settings()
    embedding = _share(settings) | _watch(settings.serve.embed_timeout_s)
    count = choose_count(arguments.encoders, ongoing=_ENCODER_ONGOING, pace=arguments.pace)
    encoder = ray_serve.deployment(name="Encoder", **count, **embedding)
    writer = ray_serve.deployment(name="Writer", num_replicas=arguments.writers, **embedding)
    ranker = _deploy_ranker(arguments, settings).bind(arguments) if settings.reranker.model else None
    return _deploy_ingress(arguments, settings).bind(
        arguments,
        searcher=_bind_searchers(arguments, settings),
        encoder=encoder(TextEncoder).bind(arguments),
        writer=writer(CollectionWriter).bind(arguments),
        ranker=ranker,
    )


def _bind_searchers(arguments: Arguments, settings: Settings) -> ray_serve.Application:
    """Return what searches: searchers that hold all segments, or mergers over groups that share them out."""
    limits = settings.serve
    options = {
        "max_ongoing_requests": arguments.threads + limits.max_waiting,
        "max_queued_requests": limits.max_waiting,
        "ray_actor_options": {"num_cpus": max(_LEAST_CPUS, arguments.threads // 2)},
        **_watch(limits.timeout_s),
    }
    pace, ongoing = arguments.pace, 2.0 * arguments.threads  # of them one half waits
    count = choose_count(arguments.searchers, ongoing=ongoing, pace=pace)
    if arguments.shards == 1:
        return ray_serve.deployment(name="Searcher", **options, **count)(SearcherReplica).bind(arguments)
    shards = [
        ray_serve.deployment(name=f"Shard{group}", **options, **count)(SegmentShard).bind(arguments, group)
        for group in range(arguments.shards)
    ]
    merging = {
        **choose_count(arguments.mergers, ongoing=float(arguments.n_merged), pace=pace),
        "max_ongoing_requests": arguments.n_merged + limits.max_waiting,
        "ray_actor_options": {"num_cpus": _SHARE_CPUS},
    }
    return ray_serve.deployment(name="Merger", **(options | merging))(SearcherReplica).bind(
        arguments, *shards
    )


def _deploy_ranker(arguments: Arguments, settings: Settings) -> ray_serve.Deployment:
    return ray_serve.deployment(
        name="Ranker",
        **_share(settings),
        **choose_count(arguments.rankers, ongoing=_RANKER_ONGOING, pace=arguments.pace),
        **_watch(settings.serve.rerank_timeout_s),
    )(DocumentRanker)


def _deploy_ingress(arguments: Arguments, settings: Settings) -> ray_serve.Deployment:
    return ray_serve.deployment(
        name="Ingress",
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=1.0),
        **_share(settings),
        **choose_count(arguments.ingresses, ongoing=_INGRESS_ONGOING, pace=arguments.pace),
        **_watch(settings.serve.timeout_s),
    )(ray_serve.ingress()(Ingress))


def _share(settings: Settings) -> dict[str, Any]:
    """Return how much a replica takes on that shares a core with others."""
    return {
        "max_ongoing_requests": settings.serve.max_connections,
        "max_queued_requests": settings.serve.max_connections,
        "ray_actor_options": {"num_cpus": _SHARE_CPUS},
    }


def _watch(timeout_s: float) -> dict[str, Any]:
    """Return how Ray looks after a replica whose answer may take so many seconds."""
    return {
        "health_check_period_s": _HEALTH_PERIOD_S,
        "health_check_timeout_s": timeout_s,
        "graceful_shutdown_timeout_s": _GRACE_S,
        "logging_config": LoggingConfig(enable_access_log=False),
    }


app: Final = build
"""The same, without arguments: Ray builds it with their defaults."""
