"""Makes the parts of a serving process from settings, the same ones in one process as on Ray Serve."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder, Store
from eagleray.contracts.services import ServeRequest
from eagleray.embedders import open_counter, open_tokenize, read_pooling
from eagleray.errors import InputError
from eagleray.rerankers import open_pair_reader, open_reranker
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import Settings
from indexes.service import open_searcher
from indexes.snapshots.aliases import list_moves, read_alias
from indexes.snapshots.catalog import resolve
from indexes.storage import open_store
from serve.audit.recording import RequestRecorder
from serve.audit.writing import AuditWriter
from serve.catalog import Catalog
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.answering import AnswererLimits
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.exclusive_worker import ExclusiveWorker
from serve.engine.ports import AliasWatcherPort, AnswererPort, EncoderPort, RankerPort
from serve.engine.publications import Publications
from serve.engine.quotas import SharedBucketsPort, make_quotas
from serve.engine.reranking import Ranker, RankerLimits
from serve.engine.searching import SearchPort
from serve.engine.snapshot_pool import Engine, Opened, SnapshotPool
from serve.http.metrics import Metrics
from serve.http.serving import (
    DocumentWriter,
    ServedCollection,
    ServedModel,
    ServedReranker,
    Serving,
    Uploads,
)
from serve.identity.authenticating import Authenticator
from serve.identity.exposure import check_metrics_exposure
from serve.identity.opening import open_authenticator
from serve.publishing import Publisher

PROBE: Final = SearchRequest(query="ready", k=1, mode=SearchMode.HYBRID)
"""Asked of a new snapshot before it answers others, and to tell whether the process is ready."""


_TURN_TOKENS: Final = 384
"""Tokens of one turn at embedding passages: about 80 ms of a core with MiniLM."""


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


def make_alias_watcher(settings: Settings, alias: str, embedder: Embedder) -> AliasWatcher[Engine]:
    """Return the watcher of an alias that opens whole snapshots, not yet started."""
    return watch_alias(
        settings,
        alias,
        lambda snapshot: open_searcher(settings, snapshot=snapshot, embedder=embedder),
        probe=ask_probe,
    )


def watch_alias(
    settings: Settings,
    alias: str,
    open_engine: Callable[[str], Opened],
    *,
    probe: Callable[[Opened], object],
) -> AliasWatcher[Opened]:
    """Return the watcher of an alias of the collection, not yet started.

    Args:
        settings: name the store and the collection.
        alias: its name.
        open_engine: id of a snapshot in, what is to be held of it out.
        probe: asks it before others may; see `AliasWatcher`.
    """
    return AliasWatcher(
        SnapshotPool(open_engine),
        partial(resolve, open_store(settings.store, s3=settings.s3), settings.collection, alias),
        probe=probe,
        interval_s=settings.serve.poll_s,
    )


def ask_probe(engine: Engine) -> None:
    """Ask a new engine the probe."""
    engine.search(PROBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoders:
    """What embeds the texts of callers.

    Attributes:
        passages: as passages of the collection are.
        questions: as questions are.
    """

    passages: Encoder
    questions: Encoder


def make_encoders(settings: Settings, embedder: Embedder) -> TextEncoders:
    """Return what embeds the texts of callers."""
    limits, count = choose_encoder_limits(settings, embedder.identity), open_counter(settings.embedder)
    return TextEncoders(
        passages=Encoder(embedder.embed_passages, count=count, limits=limits),
        questions=Encoder(embedder.embed_queries, count=count, limits=limits),
    )


def choose_encoder_limits(settings: Settings, identity: EmbedderIdentity) -> EncoderLimits:
    """Return how much an encoder of a model takes on."""
    return EncoderLimits(
        max_tokens=identity.max_tokens,
        max_batch_tokens=_choose_turn_tokens(settings.embedder),
        max_waiting=settings.serve.embed_max_waiting,
        timeout_s=settings.serve.embed_timeout_s,
    )


def _choose_turn_tokens(settings: EmbedderSettings) -> int:
    """Return how many tokens of callers' texts are embedded in one turn: a question waits for that many."""
    if settings.device != "cpu":
        return settings.max_batch_tokens  # a GPU is soon done with many
    return min(settings.max_batch_tokens, _TURN_TOKENS)


class TextEncodersPort(Protocol):
    """Embeds texts as passages, and as questions; here or elsewhere."""

    @property
    def passages(self) -> EncoderPort:
        """Embeds passages."""
        ...

    @property
    def questions(self) -> EncoderPort:
        """Embeds questions."""
        ...


def make_model(settings: Settings, identity: EmbedderIdentity, encoders: TextEncodersPort) -> ServedModel:
    """Return the embedding model that is served, its texts embedded here or elsewhere."""
    return ServedModel(
        identity=identity,
        encoder=encoders.passages,
        questions=encoders.questions,
        tokenize=open_tokenize(settings.embedder),
        pooling=read_pooling(settings.embedder),
        created_at=int(time.time()),
    )


def make_ranker(settings: Settings) -> Ranker | None:
    """Return what scores documents with the reranker that the settings name, if they name one."""
    reranker = open_reranker(settings.reranker)
    if reranker is None:
        return None
    pairs = open_pair_reader(settings.reranker)
    limits = RankerLimits(
        max_tokens=pairs.max_tokens,
        max_waiting=settings.serve.rerank_max_waiting,
        timeout_s=settings.serve.rerank_timeout_s,
    )
    return Ranker(reranker.score, count=pairs.count, limits=limits)


def choose_limits(settings: Settings) -> AnswererLimits:
    """Return how many searches a process takes on."""
    return AnswererLimits(
        n_threads=settings.serve.threads or os.cpu_count() or 1,
        max_waiting=settings.serve.max_waiting,
        timeout_s=settings.serve.timeout_s,
    )


def make_collection(
    settings: Settings,
    *,
    alias: str,
    recorder: RequestRecorder,
    watcher: AliasWatcherPort,
    searches: SearchPort,
    answerer: AnswererPort,
) -> ServedCollection:
    """Return the collection that is served by an alias."""
    store, exclusive = open_store(settings.store, s3=settings.s3), ExclusiveWorker()
    publisher = Publisher(
        settings,
        store=store,
        alias=alias,
        watcher=watcher,
        exclusive=exclusive,
        recorder=recorder,
    )
    return ServedCollection(
        name=settings.collection,
        watcher=watcher,
        publications=Publications(
            watcher,
            find_last=partial(_find_last_move, store, settings.collection, alias),
            read_moves=lambda after, until: list_moves(
                store, settings.collection, alias, after=after, until=until
            ),
            collection=settings.collection,
            timeout_s=settings.serve.timeout_s,
        ),
        searches=searches,
        answerer=answerer,
        catalog=Catalog(settings=settings, store=store, alias=alias),
        publisher=publisher,
        exclusive=exclusive,
    )


def make_serving(
    settings: Settings,
    *,
    alias: str,
    door: Authenticator,
    writer: AuditWriter,
    watcher: AliasWatcherPort,
    searches: SearchPort,
    answerer: AnswererPort,
    model: ServedModel,
    ranker: RankerPort | None,
    documents: DocumentWriter | None = None,
    buckets: SharedBucketsPort | None = None,
    uploads: Uploads | None = None,
) -> Serving:
    """Return what routes ask, of parts that are here or in other processes; `buckets` are those of all."""
    recorder = RequestRecorder(writer, questions=settings.audit.questions)
    return Serving(
        collection=make_collection(
            settings,
            alias=alias,
            recorder=recorder,
            watcher=watcher,
            searches=searches,
            answerer=answerer,
        ),
        model=model,
        probe=PROBE,
        authenticate=door.authenticate,
        recorder=recorder,
        quotas=make_quotas(
            requests_per_s=settings.serve.requests_per_s,
            texts_per_s=settings.serve.texts_per_s,
            burst_s=settings.serve.burst_s,
            shared=buckets,
        ),
        metrics=Metrics(
            collection=settings.collection,
            watcher=watcher,
            answerer=answerer,
            audit=lambda: writer.counts,
        ),
        metrics_for=settings.serve.metrics,
        max_body_bytes=settings.serve.max_body_bytes,
        reranker=None if ranker is None else _make_reranker(settings, ranker),
        documents=documents,
        uploads=uploads,
    )


def _make_reranker(settings: Settings, ranker: RankerPort) -> ServedReranker:
    pairs = open_pair_reader(settings.reranker)
    return ServedReranker(pairs=pairs, ranker=ranker, created_at=int(time.time()))


def _find_last_move(store: Store, collection: str, alias: str) -> int:
    """Return the number of the alias's last move; 0 where it never moved."""
    entry = read_alias(store, collection, alias)
    return entry.sequence if entry else 0
