"""The application over a small real collection, asked in process."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

import httpx
import pytest

from eagleray.chunking.token_counters import WhitespaceCounter
from eagleray.contracts.bounds import MAX_TEXTS
from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.embedders import open_tokenize
from eagleray.embedders.hashing import HashingEmbedder, count_words
from eagleray.errors import AuditError, AuthenticationError
from eagleray.rerankers import load_reranker, open_pair_reader
from eagleray.setting_groups.engine import EmbedderSettings, RerankerSettings
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.setting_groups.serving import ServeSettings
from eagleray.settings import Settings
from indexes.gating import SnapshotGate
from indexes.snapshots.aliases import AliasMove, alias_history, move_alias, read_alias
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from indexes.writing.committing import Writable, commit
from indexes.writing.requests import begin_write, free_key
from serve.agents.pipelines import WITHOUT_MODEL
from serve.alias_publisher import Publisher
from serve.audit.counts import AuditCounts
from serve.catalog import Catalog
from serve.composition.features import UPLOADS, choose_features
from serve.composition.served_collections import make_uploads
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.coalescing import CoalescedCalls
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.exclusive_worker import ExclusiveWorker
from serve.engine.group_writing import GroupWriter
from serve.engine.publications import Publications
from serve.engine.question_vectors import QuestionVectors
from serve.engine.queue_states import Queue, QueueState
from serve.engine.quotas import make_quotas
from serve.engine.ranker import Ranker, RankerLimits
from serve.engine.search_threads import Answerer, AnswererLimits, SearchThreads
from serve.engine.searching import Searches
from serve.engine.snapshot_pool import SnapshotPool
from serve.http.app import open_app
from serve.http.collection_measures import MeasureReader
from serve.http.feature import made_by
from serve.http.metrics import Metrics
from serve.http.openai.owned_records import UploadSite
from serve.http.openai.owned_records import choose_parts as choose_upload_parts
from serve.http.serving import (
    CollectionAdministration,
    DocumentWriter,
    ServedCollection,
    ServedCollections,
    ServedModel,
    ServedReranker,
    Server,
)
from serve.uploads.responses import ResponseLimits
from tests.audit_records import ListedRecords
from tests.openai_stores import connect
from tests.small_collections import SPEC, put_small_snapshot
from tests.small_rerankers import write_cross_encoder
from tests.small_searchers import FixedEmbedder, open_engine
from tests.waiting import wait_until

UNBOUND = make_quotas(requests_per_s=0.0, texts_per_s=0.0, burst_s=1.0)
PROBE = SearchRequest(query="ready", k=1, mode=SearchMode.LEXICAL)
AUDITED = AuditCounts(n_written=11, n_refused=2, n_dropped=3, n_pending=4, is_failing=True)
PATH = f"/collections/{SPEC.name}/search"


class HeldEmbedder(HashingEmbedder):
    """Hashes texts; may be held up, and raises an error once it is given one."""

    def __init__(self):
        self.error, self.gate, self.is_held = None, threading.Event(), False
        self.gate.set()

    def embed_passages(self, texts):
        self.is_held = not self.gate.is_set()
        assert self.gate.wait(timeout=20)
        if self.error is not None:
            raise self.error
        return super().embed_passages(texts)


@asynccontextmanager
async def fill_queue(served, embedder):
    """Hold the embedder for the length of a block, with as many texts waiting for it as may."""
    encoder, whole = served.model.encoder, ["x"] * MAX_TEXTS
    embedder.gate.clear()
    held = asyncio.create_task(encoder.encode(["first"]))
    await wait_until(lambda: embedder.is_held)
    waiting = asyncio.create_task(encoder.encode(whole))
    await wait_until(lambda: encoder.n_waiting == len(whole))
    try:
        yield
    finally:
        embedder.gate.set()
        await asyncio.gather(held, waiting)


class Served:
    """What a test asks, and what it compares with."""

    def __init__(self, store, client, server, recorded, app):
        self.store, self.client, self.recorded, self.app = store, client, recorded, app
        self.served = server.collections.default
        self.watcher, self.answerer = self.served.watcher, self.served.answerer
        self.model, self.collection = server.model, self.served.name
        self.reranker, self.exclusive = server.reranker, self.served.administration.exclusive
        self.uncancellable, self.server = server.uncancellable, server

    @property
    def site(self):
        """Where files are kept."""
        return UploadSite(parts=choose_upload_parts(self.server), found=self.served)

    def open_engine(self, snapshot):
        return open_engine(self.store, snapshot)

    async def search(self, **body):
        return await self.client.post(PATH, json=body)


def publish_small(folder):
    """Return a store with one published snapshot."""
    found = open_store(folder)
    move = AliasMove(expected=None, snapshot=put_small_snapshot(found, seed=1), reason="publish", now=1)
    move_alias(Collection(found, SPEC.name), "live", move=move)
    return found


@pytest.fixture
def store(tmp_path):
    """A store with one published snapshot."""
    return publish_small(tmp_path / "store")


@pytest.fixture
def serve_with(store):
    """Run a coroutine over the served application; see `make_serve_with`."""
    return make_serve_with(store)


def make_serve_with(store):
    """Return what runs a coroutine over the application, for a caller of given groups, under given limits."""

    def run(
        body,
        *,
        groups=(),
        can_record=True,
        record_change=None,
        metrics_for="callers",
        quotas=UNBOUND,
        reranker=None,
        takes_files=False,
        open_with=open_engine,
        embedder=None,
        pipelines=WITHOUT_MODEL,
        **limits,
    ):
        recorded = [] if can_record else None
        shared = {"quotas": quotas, "reranker": reranker, "pipelines": pipelines}
        taking = make_file_taker(store) if takes_files else {}
        unswept = replace(UPLOADS, open=made_by(choose_upload_parts))  # tests sweep when they want it
        chosen = choose_features(ServeSettings(metrics=metrics_for))
        features = [unswept if one is UPLOADS else one for one in chosen]

        async def serve():
            opening = open_collection(
                store,
                AnswererLimits(**limits),
                recorded,
                record_change,
                embedder=embedder or HashingEmbedder(),
                open_with=open_with,
                **taking,
            )
            async with opening as (collection, embedding):
                server = make_server({collection.name: collection}, frozenset(groups), **embedding, **shared)
                async with open_client(server, features) as (client, app):
                    return await body(Served(store, client, server, recorded, app))

        return asyncio.run(serve())

    return run


class Steps:
    """Processor seconds of the event loop's longest step, and what it was."""

    def __init__(self):
        self.longest_s, self.longest = 0.0, ""

    def clear(self):
        """Begin anew."""
        self.longest_s, self.longest = 0.0, ""

    def time(self, run, handle):
        """Carry out a step."""
        started = time.thread_time()
        run(handle)
        seconds = time.thread_time() - started
        if seconds > self.longest_s:
            self.longest_s, self.longest = seconds, repr(handle)[:300]


@pytest.fixture
def steps(monkeypatch):
    """What every step of the event loop costs; garbage is collected before them, and not meanwhile."""
    found, run = Steps(), asyncio.events.Handle._run
    monkeypatch.setattr(asyncio.events.Handle, "_run", lambda handle: found.time(run, handle))
    gc.collect()
    gc.disable()  # a collection goes through all that the tests before left
    yield found
    gc.enable()


@pytest.fixture(scope="session")
def described(tmp_path_factory):
    """The description of the API of a server that has every feature."""
    store = publish_small(tmp_path_factory.mktemp("described") / "store")

    async def body(served):
        return (await served.client.get("/openapi.json")).json()

    return make_serve_with(store)(body)


@pytest.fixture
def ask(serve_with):
    """Run a coroutine with clients of two callers, and the served application."""

    def run(body, **more):
        async def with_clients(served):
            async with connect(served, "ann") as ann, connect(served, "ben") as ben:
                await body(ann, ben, served)

        serve_with(with_clients, takes_files=True, **more)

    return run


def make_door(groups):
    """Return what knows a few credentials, and takes whoever shows none for a reader."""

    def know(*roles, subject="test", zones=None):
        return Caller(
            principal=Principal(subject=subject, groups=groups, zones=zones),
            roles=frozenset(roles),
            authentication=Authentication.API_KEY,
        )

    known = {
        "": know(Role.READER),
        "reader": know(Role.READER),
        "writer": know(Role.WRITER),
        "publisher": know(Role.PUBLISHER),
        "auditor": know(Role.AUDITOR),
        "examiner": know(Role.READER, Role.AUDITOR),
        "admin": know(Role.ADMIN),
        "nothing": know(),
        "ann": know(Role.READER, Role.WRITER, subject="ann"),
        "ben": know(Role.READER, Role.WRITER, subject="ben"),
        "ann-reads": know(Role.READER, subject="ann"),
        "ann-writes": know(Role.WRITER, subject="ann"),
        "zoned": know(Role.READER, Role.WRITER, subject="zoned", zones=frozenset({"emea"})),
    }

    def authenticate(credential):
        if credential not in known:
            raise AuthenticationError(reason="unknown_key", key_id="k1")
        return known[credential]

    return authenticate


class PassageEmbedder(FixedEmbedder):
    """Embeds passages as it embeds questions."""

    def embed_passages(self, texts):
        return self.embed_queries(texts)


def make_file_taker(store):
    """Return what takes documents and files."""
    target = Writable(
        store=store,
        spec=SPEC,
        alias="live",
        embedder=PassageEmbedder(),
        counter=WhitespaceCounter(),
        open_snapshot=lambda snapshot: open_snapshot(Collection(store, SPEC.name), snapshot),
    )

    async def begin(key, digest, now):
        return begin_write(Collection(store, SPEC.name), alias="live", key=key, digest=digest, now=now)

    async def free(begun):
        free_key(Collection(store, SPEC.name), alias="live", begun=begun)

    return {
        "documents": DocumentWriter(begin=begin, free=free, write=GroupWriter(partial(commit, target)).write),
        "uploads": make_uploads(
            Collection(store, SPEC.name),
            chunker=SPEC.chunker,
            parsing=ParsingSettings(),
            responses=ResponseLimits(most=5),
        ),
    }


@pytest.fixture(scope="session")
def tiny_reranker(tmp_path_factory):
    """Settings of a cross-encoder with random weights that reads 64 tokens."""
    folder = write_cross_encoder(tmp_path_factory.mktemp("cross-encoder") / "tiny")
    return RerankerSettings(model=str(folder))


@pytest.fixture
def serve_reranker(serve_with, tiny_reranker):
    """Run a coroutine over the served application, which has that reranker."""

    def run(body):
        async def with_reranker(served):
            try:
                return await body(served)
            finally:
                await served.reranker.ranker.close()

        return serve_with(with_reranker, reranker=make_reranker(tiny_reranker))

    return run


def make_reranker(settings):
    pairs = open_pair_reader(settings)
    ranker = Ranker(
        load_reranker(settings).score, count=pairs.count, limits=RankerLimits(max_tokens=pairs.max_tokens)
    )
    return ServedReranker(pairs=pairs, ranker=ranker, created_at=1_700_000_000)


@asynccontextmanager
async def open_client(server, features):
    """Give a client of the application of some features, and the application."""
    async with AsyncExitStack() as stack:
        app = await open_app(stack, server, features)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client, app


QUEUED = QueueState(queue=Queue.RERANKING, n_requests=3, n_items=40, n_processes=2)


async def read_queues():
    return (QUEUED,)


def make_server(opened, groups, **parts):
    """Return a server of collections, for callers of given groups."""
    collections = ServedCollections(opened, default=SPEC.name)
    return Server(
        checks=CoalescedCalls(kept_s=0.0),
        collections=collections,
        probe=PROBE,
        authenticate=make_door(groups),
        metrics=Metrics(
            list_collections=collections.list_all,
            read_queues=read_queues,
            read_measures=MeasureReader(collections.list_all).read,
        ),
        **parts,
    )


@asynccontextmanager
async def open_collection(
    store, limits, recorded, record_change, *, embedder, open_with=open_engine, **taking
):
    """Give a collection over the alias of the small one, and the model of its server."""
    watcher = AliasWatcher(
        SnapshotPool(partial(open_with, store)),
        lambda: read_alias(Collection(store, SPEC.name), "live").snapshot,
        probe=lambda engine: engine.search(PROBE),
        interval_s=0.02,
    )
    await watcher.start()
    threads = SearchThreads(limits)
    answerer = Answerer(watcher, threads)
    encoder_limits = EncoderLimits(max_tokens=embedder.identity.max_tokens, max_waiting=MAX_TEXTS)
    encoder = Encoder(embedder.embed_passages, count=count_words, limits=encoder_limits)
    questions = Encoder(embedder.embed_queries, count=count_words, limits=encoder_limits)

    vectors = QuestionVectors(
        Encoder(FixedEmbedder().embed_queries, count=count_words, limits=EncoderLimits(max_tokens=None))
    )

    def fail_to_record(_):
        raise AuditError(detail="the disk is full")

    settings, exclusive = Settings(collection=SPEC.name), ExclusiveWorker()
    record_change = record_change or (recorded.append if recorded is not None else fail_to_record)
    recorder = ListedRecords(recorded, keep=record_change, counts=AUDITED)
    collection = ServedCollection(
        name=SPEC.name,
        watcher=watcher,
        publications=Publications(
            watcher,
            find_last=lambda: len(alias_history(Collection(store, SPEC.name), "live")),
            read_moves=lambda after, until: alias_history(Collection(store, SPEC.name), "live")[after:until],
            collection=SPEC.name,
            timeout_s=30.0,
        ),
        searches=Searches(answerer, vectors, timeout_s=limits.timeout_s),
        answerer=answerer,
        recorder=recorder,
        administration=CollectionAdministration(
            catalog=Catalog(
                collection=Collection(store, SPEC.name), alias="live", cache=settings.cache_folder
            ),
            publisher=Publisher(
                Collection(store, SPEC.name),
                alias="live",
                watcher=watcher,
                exclusive=exclusive,
                recorder=recorder,
                move=SnapshotGate.choose(settings.gate, cache=settings.cache_folder).publish,
            ),
            exclusive=exclusive,
        ),
        **taking,
    )
    model = ServedModel(
        identity=embedder.identity,
        encoder=encoder,
        questions=questions,
        tokenize=open_tokenize(EmbedderSettings(model="hashing")),
        pooling="mean",
        created_at=1_700_000_000,
    )
    try:
        yield collection, {"model": model}
    finally:
        for part in (exclusive, vectors, threads, encoder, questions, watcher):
            await part.close()
