"""Questions of many callers at once, with a real model, and the same ones again from the audit log."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import numpy as np
import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Explanation, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.principals import Principal
from eagleray.embedders import open_embedder
from eagleray.errors import DeadlineError, QueryError
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.setting_groups.serving import AuditSettings
from eagleray.settings import Settings
from indexes.searching.searcher import Searcher
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from serve.audit.record_queries import scan_records
from serve.audit.replays import replay_records
from serve.composition.models import Models
from serve.engine import searching
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.question_vectors import QuestionVectors
from serve.engine.search_threads import Answerer, AnswererLimits, SearchThreads
from serve.engine.searching import Searches
from serve.engine.snapshot_pool import SnapshotPool
from tests.audit_records import record_one
from tests.small_collections import DIM, EMBEDDER, SPEC, WORDS, put_small_snapshot
from tests.waiting import wait_until


class CutModel:
    """The default model's vectors, cut to the length that small collections have."""

    identity = EMBEDDER

    def __init__(self):
        self._model = open_embedder(EmbedderSettings())
        self.sizes = []

    def embed_queries(self, texts):
        self.sizes.append(len(texts))
        cut = np.ascontiguousarray(self._model.embed_queries(texts)[:, :DIM])
        return np.stack([row / np.linalg.norm(row) for row in cut])


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


@pytest.fixture
def search_with(store):
    """Run a coroutine over the searches of a snapshot."""
    snapshot = put_small_snapshot(store)

    def run(body, model, **limits):
        async def whole():
            watcher = AliasWatcher(
                SnapshotPool(partial(open_engine, store, model)), lambda: snapshot, probe=lambda engine: None
            )
            await watcher.start()
            answerer = Answerer(watcher, SearchThreads(AnswererLimits(**limits)))
            vectors = QuestionVectors(await Models(Settings(), load=lambda _: model).open_question_encoder())
            model.sizes.clear()
            try:
                return await body(Searches(answerer, vectors, timeout_s=30.0))
            finally:
                await vectors.close()
                await answerer.threads.close()
                await watcher.close()

        return asyncio.run(whole())

    return run


def open_engine(store, model, snapshot):
    opened = open_snapshot(Collection(store, SPEC.name), snapshot)
    return Searcher(opened.snapshot_id, opened.segments, embedder=model)


def list_questions(rng, n):
    """Return requests whose questions differ, in words and in length."""
    caller = Principal(subject="ann", groups=frozenset({"rates"}))
    texts = [" ".join(rng.choice(WORDS, size=int(rng.integers(2, 7)))) + f" {number}" for number in range(n)]
    modes = [SearchMode.HYBRID, SearchMode.DENSE]
    return [
        SearchRequest(query=text, mode=modes[number % 2], k=5, principal=caller)
        for number, text in enumerate(texts)
    ]


def test_answers_to_questions_embedded_together_come_back_to_the_bit_when_asked_alone(
    store, search_with, rng
):
    model, requests = CutModel(), list_questions(rng, 60)

    async def body(searches):
        return await asyncio.gather(*map(searches.answer, requests))

    answers = search_with(body, model, max_waiting=100)
    assert sum(model.sizes) == len(requests)
    with AuditWriter(store, SPEC.name, settings=AuditSettings()) as writer:
        for request, answer in zip(requests, answers, strict=True):
            assert answer.hits
            writer.append(record_one(request, answer))
    records = scan_records(store, SPEC.name, AuditQuery())
    replayed = replay_records(records, partial(open_engine, store, model))
    assert (replayed.n_same, replayed.different) == (len(requests), [])


def test_only_questions_that_are_compared_as_vectors_are_embedded(search_with):
    model = CutModel()

    async def body(searches):
        lexical = SearchRequest(query="swap", mode=SearchMode.LEXICAL)
        await searches.answer(lexical)
        await searches.answer(SearchRequest(query="", like="doc-2"))
        with pytest.raises(QueryError, match="empty"):
            await searches.answer(SearchRequest(query=" "))
        assert model.sizes == []
        await searches.answer(SearchRequest(query="swap"))
        assert model.sizes == [1]

    search_with(body, model)


def test_the_time_of_a_search_has_embedding_in_it(search_with):
    async def body(searches):
        with pytest.raises(DeadlineError, match=r"1e-06 s"):
            await searches.answer(SearchRequest(query="swap"), timeout_s=1e-6)

    search_with(body, CutModel())


class GatedEngine:
    """An engine whose searches may be held up, and that says which snapshot it is of."""

    def __init__(self, gate, snapshot):
        self.gate, self.snapshot = gate, snapshot

    def under(self, asked):
        assert asked.entitled_by == asked.snapshot
        return self

    def search(self, request, *, vector=None):
        self.gate.pass_through()
        told = Explanation(
            snapshot=self.snapshot,
            as_of=None,
            is_exact=True,
            segments=(),
            document_frequencies={},
            n_visible=0,
            average_length=0.0,
            timings_ms={},
        )
        return SearchResponse(hits=(), explanation=told)

    def close(self):
        pass


class Gate:
    """Holds searches up once it is shut."""

    def __init__(self):
        self.reached, self.may_pass = threading.Event(), threading.Event()
        self.may_pass.set()

    def pass_through(self):
        self.reached.set()
        assert self.may_pass.wait(timeout=20)


LEXICAL = SearchRequest(query="swap", mode=SearchMode.LEXICAL)


@pytest.fixture
def gate():
    return Gate()


def search_in_turns(body, gate, monkeypatch, **limits):
    """Run a coroutine over searches that each take a whole turn, and a function that moves the alias."""
    monkeypatch.setattr(searching, "_TURN_S", 0.0)

    async def whole():
        wanted = ["a"]
        watcher = AliasWatcher(
            SnapshotPool(partial(GatedEngine, gate)),
            lambda: wanted[0],
            probe=lambda engine: None,
            interval_s=5.0,
        )
        await watcher.start()
        answerer = Answerer(watcher, SearchThreads(AnswererLimits(**limits)))

        async def move(snapshot):
            wanted[0] = snapshot
            assert await watcher.take(snapshot, timeout_s=5.0)

        try:
            return await body(Searches(answerer, None, timeout_s=30.0), move)
        finally:
            await answerer.threads.close()
            await watcher.close()

    return asyncio.run(whole())


def test_a_batch_lets_others_have_the_thread(gate, monkeypatch):
    async def body(searches, _):
        ended = []

        async def ask(name, asked):
            await asked
            ended.append(name)

        batch = asyncio.create_task(ask("batch", searches.answer_all([LEXICAL] * 25)))
        await asyncio.sleep(0)
        for number in range(2):
            await ask(number, searches.answer(LEXICAL))
        await batch
        return ended

    assert search_in_turns(body, gate, monkeypatch, n_threads=1) == [0, 1, "batch"]


def test_a_batch_is_of_one_snapshot_whatever_is_published_meanwhile(gate, monkeypatch):
    async def body(searches, move):
        gate.may_pass.clear()
        batch = asyncio.create_task(searches.answer_all([LEXICAL] * 20))
        await wait_until(gate.reached.is_set)
        await move("b")
        gate.may_pass.set()
        return await batch, await searches.answer(LEXICAL)

    batch, after = search_in_turns(body, gate, monkeypatch, n_threads=1)
    assert [answer.explanation.snapshot for answer in batch] == ["a"] * 20
    assert after.explanation.snapshot == "b"
