"""The application of Ray Serve: `serve run serve.app:app`, or `serve.app:build` with arguments.

Ray reads the annotation of `build` itself, so annotations are not postponed here.
"""

import atexit
import signal
from typing import Any, Final

from ray import is_initialized
from ray import serve as ray_serve
from ray._private import worker
from ray.serve.config import BackpressureConfig
from ray.serve.schema import LoggingConfig

from eagleray.setting_groups.serving import ServeSettings
from serve.composition.features import choose_features
from serve.deployments.arguments import Arguments
from serve.deployments.ingress import Ingress
from serve.deployments.model_replicas import DocumentRanker, TextEncoder
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
    limits = settings.serve
    choose_features(limits)  # what is wrong with them is told here, not by one ingress after another
    embedding = _share(limits) | _watch(limits.embed_timeout_s)
    count = choose_count(arguments.encoders, ongoing=_ENCODER_ONGOING, pace=arguments.pace)
    encoder = ray_serve.deployment(name="Encoder", **count, **embedding)
    writer = ray_serve.deployment(name="Writer", num_replicas=arguments.writers, **embedding)
    ranker = _deploy_ranker(arguments, limits).bind(arguments) if settings.reranker.model else None
    return _deploy_ingress(arguments, limits).bind(
        arguments,
        searcher=_bind_searchers(arguments, limits),
        encoder=encoder(TextEncoder).bind(arguments),
        writer=writer(CollectionWriter).bind(arguments),
        ranker=ranker,
    )


def _bind_searchers(arguments: Arguments, limits: ServeSettings) -> ray_serve.Application:
    """Return what searches: searchers that hold all segments, or mergers over groups that share them out."""
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


def _deploy_ranker(arguments: Arguments, limits: ServeSettings) -> ray_serve.Deployment:
    return ray_serve.deployment(
        name="Ranker",
        **_share(limits),
        **choose_count(arguments.rankers, ongoing=_RANKER_ONGOING, pace=arguments.pace),
        **_watch(limits.rerank_timeout_s),
    )(DocumentRanker)


def _deploy_ingress(arguments: Arguments, limits: ServeSettings) -> ray_serve.Deployment:
    return ray_serve.deployment(
        name="Ingress",
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=1.0),
        **_share(limits),
        **choose_count(arguments.ingresses, ongoing=_INGRESS_ONGOING, pace=arguments.pace),
        **_watch(limits.timeout_s),
    )(ray_serve.ingress()(Ingress))


def _share(limits: ServeSettings) -> dict[str, Any]:
    """Return how much a replica takes on that shares a core with others."""
    return {
        "max_ongoing_requests": limits.max_connections,
        "max_queued_requests": limits.max_connections,
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


def end_application_at_exit() -> None:
    """Have this process end its applications before Ray, where it is the one that will start Ray.

    SIGTERM makes Ray end a process by `sys.exit`, and Ray's own hook then kills every replica in about a
    second. Hooks run in reverse: this one is set later than Ray's, so it comes before. In a process where
    Ray runs already (a file's application is built in a worker of it) nothing is done.
    """
    if not is_initialized():
        atexit.register(_end_application)


def _end_application() -> None:
    """Let replicas store what they recorded, unless Ray is not of this process and goes on without it."""
    node = worker._global_node  # Ray tells it nowhere else
    if is_initialized() and node is not None and node.is_head():
        signal.alarm(0)  # Ray's handler of SIGTERM set one: three seconds later it would abort the process
        ray_serve.shutdown()


app: Final = build
"""The same, without arguments: Ray builds it with their defaults."""
