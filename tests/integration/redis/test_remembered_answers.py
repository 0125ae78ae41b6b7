"""A remembered answer is the answer: to the bit, for each caller, over publishes, while it is whole."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eagleray.contracts.asked_snapshots import ask_own
from eagleray.contracts.collections import Collection
from eagleray.contracts.filters import Compare, Comparison, Contains, Not
from eagleray.contracts.hits import Fusion, Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.embedders.hashing import count_words
from eagleray.errors import EagleRayError, FilterColumnError, FilterError, NotPublishedError
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.storage import open_store
from serve.audit.record import link_record
from serve.audit.replays import replay_records
from serve.composition.sharing import make_sharing
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.question_vectors import QuestionVectors
from serve.engine.search_threads import Answerer, AnswererLimits, SearchThreads
from serve.engine.searching import Searches
from serve.engine.snapshot_pool import SnapshotPool
from tests.audit_records import record_one
from tests.integration.redis.conftest import make_settings
from tests.small_collections import DAY, EMBEDDER, SPEC, WORDS, put_small_snapshot
from tests.small_searchers import FixedEmbedder, open_engine
from tests.waiting import wait_until

PROBE = SearchRequest(query="ready", k=1)
GROUPS = ("credit", "desk", "rates")

FILTERS = [
    None,
    Compare(column="year", op=Comparison.GE, value=2005),
    Not(operand=Contains(column="tags", value="z")),
]
RANKINGS = [
    Ranking(),
    Ranking(boosts={TextField.TITLE: 2.0, TextField.HEADING: 0.5}),
    Ranking(fusion=Fusion.RECIPROCAL_RANK),
    Ranking(diversity=0.3),
]
PRINCIPALS = st.builds(
    Principal,
    subject=st.sampled_from(["ann", "bob"]),
    groups=st.frozensets(st.sampled_from(GROUPS)),
    zones=st.sampled_from([None, frozenset({"default"}), frozenset({"elsewhere"})]),
)
REQUESTS = st.builds(
    SearchRequest,
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    k=st.integers(1, 30),
    mode=st.sampled_from(SearchMode),
    granularity=st.sampled_from(Granularity),
    as_of=st.none() | st.integers(0, 70).map(lambda days: days * DAY),
    filter=st.sampled_from(FILTERS),
    exact=st.booleans(),
    ranking=st.sampled_from(RANKINGS),
    principal=PRINCIPALS,
)


class Process:
    """The searches of a process with a memory, and without."""

    def __init__(self, plain, searches, sharing, watcher):
        self.plain, self.searches, self.watcher = plain, searches, watcher
        self.cache = sharing.collector.caches["result"]

    async def ask(self, request, **named):
        """Return the answer, and wait until it is kept."""
        answer = await self.searches.answer(request, **named)
        await self.cache.settle()
        return answer

    async def ask_plain(self, request, **named):
        return await self.plain.answer(request, **named)


@asynccontextmanager
async def open_process(store, redis_settings):
    watcher = AliasWatcher(
        SnapshotPool(partial(open_engine, store)),
        lambda: read_alias(Collection(store, SPEC.name), "live").snapshot,
        probe=lambda engine: engine.search(PROBE),
        interval_s=0.02,
    )
    await watcher.start()
    answerer, embedder = Answerer(watcher, SearchThreads(AnswererLimits())), FixedEmbedder()
    encoder = Encoder(embedder.embed_queries, count=count_words, limits=EncoderLimits(max_tokens=None))
    vectors, sharing = QuestionVectors(encoder), make_sharing(redis_settings)
    plain = Searches(answerer, vectors, timeout_s=30.0)
    searches = await sharing.share_answers(plain, collection=SPEC.name, watcher=watcher, identity=EMBEDDER)
    try:
        yield Process(plain, searches, sharing, watcher)
    finally:
        await vectors.close()
        await answerer.threads.close()
        await sharing.close()
        await watcher.close()


@pytest.fixture
def store(tmp_path):
    found = open_store(tmp_path / "store")
    publish(found, put_small_snapshot(found, seed=1))
    return found


def publish(store, snapshot):
    current = read_alias(Collection(store, SPEC.name), "live")
    expected = None if current is None else current.snapshot
    move = AliasMove(expected=expected, snapshot=snapshot, reason="publish", now=1)
    move_alias(Collection(store, SPEC.name), "live", move=move)


def strip(response):
    """Return an answer without what tells how long it took, and where it came from."""
    return replace(response, explanation=replace(response.explanation, timings_ms={}, is_remembered=False))


def list_names(plain, kind="result"):
    return sorted(plain.scan_iter(f"eagleray:{kind}:*"))


def test_warm_answers_are_the_cold_ones_whoever_asked_before(redis_server, secret, store, runner):
    options = make_settings(redis_server.url, secret=secret)
    seen = []

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(request=REQUESTS, others=st.lists(PRINCIPALS, min_size=1, max_size=3))
    def check(request, others):
        async def body():
            for principal in (*others, request.principal):
                asked = replace(request, principal=principal)
                try:
                    cold = strip(await process.ask_plain(asked))
                except FilterColumnError:  # of a column that this caller sees nowhere
                    with pytest.raises(FilterColumnError):
                        await process.ask(asked)
                    continue
                for _ in range(2):
                    answer = await process.ask(asked)
                    assert strip(answer) == cold
                    assert repr(strip(answer)) == repr(cold)
                assert answer.explanation.is_remembered
                assert set(answer.explanation.timings_ms) == {"recall"}
                for hit in answer.hits:
                    assert not hit.groups or set(hit.groups) & principal.groups
                seen.append(bool(answer.hits))

        runner.run(body())

    context = open_process(store, options)
    process = runner.run(context.__aenter__())
    try:
        check()
        assert process.cache.counts.n_rejected == 0
    finally:
        runner.run(context.__aexit__(None, None, None))
    assert any(seen)


def test_callers_share_an_answer_exactly_where_groups_and_zones_are_equal(
    redis_server, secret, store, runner
):
    options = make_settings(redis_server.url, secret=secret)
    asked = SearchRequest(query="swap curve", k=50, granularity=Granularity.CHUNK)

    async def body():
        async with open_process(store, options) as process:
            for zones in (None, frozenset({"default"}), frozenset()):
                for groups in ((), ("rates",), ("credit",), ("credit", "rates")):
                    callers = [
                        Principal(subject=name, groups=frozenset(groups), zones=zones)
                        for name in ("ann", "bob")
                    ]
                    first, second = [await process.ask(replace(asked, principal=one)) for one in callers]
                    assert not first.explanation.is_remembered
                    assert second.explanation.is_remembered
                    assert strip(first) == strip(second)

    runner.run(body())


def test_a_publish_in_between_is_answered_from_the_new_snapshot_and_a_rollback_from_the_old(
    redis_server, secret, store, runner
):
    options = make_settings(redis_server.url, secret=secret)
    asked = SearchRequest(query="swap curve", k=50)

    async def body():
        async with open_process(store, options) as process:
            old, new = process.watcher.state.snapshot, put_small_snapshot(store, seed=2)
            before = await process.ask(asked)
            publish(store, new)
            await wait_for(process, new)
            after = await process.ask(asked)
            assert (before.explanation.snapshot, after.explanation.snapshot) == (old, new)
            assert not after.explanation.is_remembered
            assert strip(after) == strip(await process.ask_plain(asked))
            named = await process.ask(asked, snapshot=ask_own(old))
            assert strip(named) == strip(before)
            publish(store, old)
            await wait_for(process, old)
            again = await process.ask(asked)
            assert again.explanation.is_remembered
            assert strip(again) == strip(before)
            with pytest.raises(NotPublishedError):
                await process.ask(asked, snapshot=ask_own("0" * 64))

    runner.run(body())


async def wait_for(process, snapshot):
    await wait_until(lambda: process.watcher.state.snapshot == snapshot)


def test_a_snapshot_that_is_not_open_here_is_opened_before_its_answer_is_remembered(
    redis_server, secret, store, runner
):
    options = make_settings(redis_server.url, secret=secret)
    asked, older = SearchRequest(query="swap"), put_small_snapshot(store, seed=3)

    async def ask():
        async with open_process(store, options) as process:
            first = await process.ask(asked, snapshot=ask_own(older))
            return [first, await process.ask(asked, snapshot=ask_own(older))]

    for _ in range(2):
        first, second = runner.run(ask())
        assert not first.explanation.is_remembered
        assert second.explanation.is_remembered


def test_no_changed_cut_or_foreign_value_becomes_an_answer(redis_server, secret, store, runner, plain, rng):
    options = make_settings(redis_server.url, secret=secret)
    asked, other = SearchRequest(query="swap", k=3), SearchRequest(query="bond", k=3)

    async def body():
        before = set(list_names(plain))
        async with open_process(store, options) as process:
            cold = strip(await process.ask(asked))
            (name,) = set(list_names(plain)) - before
            await process.ask(other)
            (foreign,) = set(list_names(plain)) - before - {name}
            whole = plain.get(name)
            assert b"doc-" not in whole
            changed = [bytearray(whole) for _ in range(30)]
            for item in changed:
                item[rng.integers(len(item))] ^= 1 << rng.integers(8)
            cut = [whole[: rng.integers(len(whole))] for _ in range(30)]
            wrong = [*map(bytes, changed), *cut, plain.get(foreign), b"{}", whole + b" "]
            for value in wrong:
                plain.set(name, value)
                answer = await process.ask(asked)
                assert not answer.explanation.is_remembered
                assert strip(answer) == cold
            assert process.cache.counts.n_rejected == len(wrong)
            plain.delete(name)
            plain.hset(name, "left", "1")
            assert strip(await process.ask(asked)) == cold

    runner.run(body())


def test_errors_and_long_answers_are_not_remembered(redis_server, secret, store, runner, plain):
    options = make_settings(redis_server.url, secret=secret, max_result_bytes=400)
    wrong = SearchRequest(query="swap", filter=Compare(column="nothing", op=Comparison.EQ, value=1))

    async def body():
        before = list_names(plain)
        async with open_process(store, options) as process:
            for _ in range(2):
                with pytest.raises(FilterError):
                    await process.ask(wrong)
                with pytest.raises(EagleRayError):
                    await process.ask(SearchRequest(query="swap", k=0))
                assert not (await process.ask(SearchRequest(query="swap"))).explanation.is_remembered
            assert process.cache.counts.n_dropped == 2
        assert list_names(plain) == before

    runner.run(body())


def test_a_remembered_answer_stands_in_the_audit_log_as_the_first_and_comes_back_in_a_replay(
    redis_server, secret, store, runner
):
    options = make_settings(redis_server.url, secret=secret)
    asked = SearchRequest(
        query="swap curve", k=20, principal=Principal(subject="ann", groups=frozenset(GROUPS))
    )

    async def body():
        async with open_process(store, options) as process:
            return [await process.ask(asked) for _ in range(2)]

    first, second = runner.run(body())
    assert second.explanation.is_remembered
    entries = [record_one(asked, answer) for answer in (first, second)]
    assert entries[0] == entries[1]
    records = [make_record(entry) for entry in entries]
    replay = replay_records(records, lambda snapshot: open_engine(store, snapshot))
    assert (replay.n_same, replay.different) == (2, [])


def make_record(entry):
    return link_record(entry, writer="w", sequence=1, time=1, previous="0" * 64)
