"""What is counted is what was asked; labels stay bounded; nobody reads metrics who may not."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eagleray.contracts.collections import Collection
from eagleray.errors import QueryError
from indexes.runs.ended import EndedRun, write_ended_run
from indexes.snapshots.aliases import AliasMove, move_alias
from serve.engine.alias_watcher import AliasState
from serve.http.metrics import Metrics
from serve.http.state_metrics import MAX_NAMED
from tests.small_collections import SPEC, put_small_snapshot
from tests.unit.serve.http.conftest import AUDITED, PATH
from tests.waiting import wait_until

PAGE = (Path(__file__).parents[4] / "docs" / "monitoring.md").read_text(encoding="utf-8")
OWN = {"collection": SPEC.name}
SEARCH_ROUTE = "/collections/{name}/search"


async def read(served):
    """Return (name, labels) -> value of all samples."""
    answer = await served.client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def measure_nothing():
    return {}


async def read_no_queues():
    return ()


def find(samples, name, **labels):
    return samples.get((name, frozenset(labels.items())))


def test_requests_are_counted_by_template_method_and_status(serve_with):
    async def ask(served):
        for name in ("a", "b", "c"):
            await served.client.post(f"/collections/{name}/search", json={"query": "swap"})
            await served.client.get(f"/collections/{name}/search")
            await served.client.get(f"/{name}")
            await served.client.request(f"X{name}", f"/{name}")
        await served.search(query="swap")
        samples = await read(served)
        counted = {
            tuple(dict(labels)[key] for key in ("route", "method", "status")): value
            for (name, labels), value in samples.items()
            if name == "eagleray_http_requests_total"
        }
        assert counted == {
            (SEARCH_ROUTE, "POST", "404"): 3,
            (SEARCH_ROUTE, "GET", "405"): 3,
            ("other", "GET", "404"): 3,
            ("other", "other", "404"): 3,
            (SEARCH_ROUTE, "POST", "200"): 1,
        }
        name = "eagleray_http_request_duration_seconds"
        assert find(samples, f"{name}_count", route=SEARCH_ROUTE) == 7
        assert find(samples, f"{name}_bucket", route=SEARCH_ROUTE, le="+Inf") == 7
        assert 0 < find(samples, f"{name}_sum", route=SEARCH_ROUTE) < 60

    serve_with(ask)


def test_searches_are_counted_by_how_they_ended_and_while_they_go_on(serve_with, monkeypatch):
    release, begun = threading.Event(), threading.Event()

    def work(engine, request, *, vector):
        begun.set()
        raise QueryError(detail=f"released: {release.wait(20)}")

    async def ask(served):
        await served.search(query="swap")
        lease = await served.watcher.lease()
        monkeypatch.setattr(type(lease.engine), "search", work)
        lease.release()
        held = asyncio.create_task(served.search(query="swap"))
        await wait_until(begun.is_set)
        waiting = asyncio.create_task(served.search(query="swap", timeout_s=0.5))
        await wait_until(lambda: served.answerer.n_waiting == 1)
        assert (await served.search(query="swap")).status_code == 429
        during = await read(served)
        assert (await waiting).status_code == 504
        release.set()
        assert (await held).status_code == 400
        monkeypatch.setattr(type(lease.engine), "search", lambda engine, request, *, vector: 1 / 0)
        assert (await served.search(query="swap")).status_code == 500
        after = await read(served)
        for samples, values in ((during, (1, 1)), (after, (0, 0))):
            assert find(samples, "eagleray_searches_in_flight") == values[0]
            assert find(samples, "eagleray_searches_waiting") == values[1]
        for outcome in ("answered", "refused", "timed_out", "invalid", "failed"):
            assert find(after, "eagleray_searches_total", kind="search", outcome=outcome) == 1, outcome
        assert (
            find(after, "eagleray_http_requests_total", route=SEARCH_ROUTE, method="POST", status="500") == 1
        )

    serve_with(ask, n_threads=1, max_waiting=1)


def test_what_a_snapshot_is_asked_is_counted_by_kind(serve_with):
    async def ask(served):
        base = f"/collections/{SPEC.name}"
        await served.search(query="swap")
        await served.client.post(f"{base}/search/batch", json={"questions": [{"query": "swap"}] * 3})
        await served.client.post(f"{base}/facets", json={"column": "ticker"})
        await served.client.post(f"{base}/facets", json={"column": "nothing"})
        await served.client.get(f"{base}/documents", params={"doc_id": "not-there"})
        samples = await read(served)
        for kind, answered, invalid in (
            ("search", 1, 0),
            ("batch", 1, 0),
            ("facets", 1, 1),
            ("document", 0, 1),
        ):
            assert find(samples, "eagleray_searches_total", kind=kind, outcome="answered") == answered
            assert find(samples, "eagleray_searches_total", kind=kind, outcome="invalid") == invalid

    serve_with(ask)


def test_the_followed_alias_is_told_and_a_publish_counted(serve_with, monkeypatch):
    async def ask(served):
        older = served.watcher.state.snapshot
        first = await read(served)
        assert find(first, "eagleray_snapshot_info", collection=SPEC.name, snapshot=older) == 1
        assert find(first, "eagleray_publishes_taken_total", **OWN) == 0
        assert find(first, "eagleray_snapshot_is_wanted", **OWN) == 1
        newer = put_small_snapshot(served.store, seed=2)
        move = AliasMove(expected=older, snapshot=newer, reason="publish", now=2)
        move_alias(Collection(served.store, SPEC.name), "live", move=move)
        await wait_until(lambda: served.watcher.n_taken == 1)
        second = await read(served)
        assert find(second, "eagleray_snapshot_info", collection=SPEC.name, snapshot=newer) == 1
        assert find(second, "eagleray_snapshot_info", collection=SPEC.name, snapshot=older) is None
        assert find(second, "eagleray_publishes_taken_total", **OWN) == 1
        assert 0 <= find(second, "eagleray_snapshot_served_seconds", **OWN) < 60
        assert 0 <= find(second, "eagleray_alias_lookup_age_seconds", **OWN) < 10
        lease = await served.watcher.lease()
        monkeypatch.setattr(type(lease.engine), "search", lambda engine, request, *, vector: 1 / 0)
        lease.release()
        broken = put_small_snapshot(served.store, seed=3)
        move = AliasMove(expected=newer, snapshot=broken, reason="publish", now=3)
        move_alias(Collection(served.store, SPEC.name), "live", move=move)
        await wait_until(lambda: bool(served.watcher.state.error))
        third = await read(served)
        assert find(third, "eagleray_snapshot_is_wanted", **OWN) == 0
        assert find(third, "eagleray_publishes_taken_total", **OWN) == 1

    serve_with(ask)


def test_labels_are_bounded_however_many_collections_are_served():
    n_others, counts = 3, AUDITED
    state = AliasState(snapshot="a", wanted="a", changed_at=0.0)

    def observe(number):
        error = "broken" if number == MAX_NAMED + n_others - 1 else ""
        watcher = SimpleNamespace(
            state=dataclasses.replace(state, error=error),
            lookup_age_s=number,
            n_taken=2,
        )
        answerer = SimpleNamespace(n_at_work=1, n_waiting=2)
        return SimpleNamespace(name=f"c{number:03}", watcher=watcher, answerer=answerer, counts=counts)

    served = [observe(number) for number in range(MAX_NAMED + n_others)]
    metrics = Metrics(
        list_collections=lambda: served,
        list_failing=lambda: ["a", "b"],
        read_queues=read_no_queues,
        read_measures=measure_nothing,
    )
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(asyncio.run(metrics.show()).decode())
        for sample in family.samples
    }
    named = {dict(labels).get("collection") for _, labels in samples} - {None}
    assert named == {*(f"c{number:03}" for number in range(MAX_NAMED)), ""}
    assert find(samples, "eagleray_snapshot_is_wanted", collection="c000") == 1
    assert find(samples, "eagleray_snapshot_is_wanted", collection="") == 0
    assert find(samples, "eagleray_alias_lookup_age_seconds", collection="") == MAX_NAMED + n_others - 1
    assert find(samples, "eagleray_publishes_taken_total", collection="") == 2 * n_others
    assert find(samples, "eagleray_searches_in_flight") == len(served)
    assert find(samples, "eagleray_audit_records_written_total") == len(served) * counts.n_written
    assert find(samples, "eagleray_collections_not_opened") == 2


def test_what_waits_is_told_by_queue(serve_with):
    async def ask(served):
        samples = await read(served)
        for name, value in (("requests_waiting", 3), ("items_waiting", 40), ("processes", 2)):
            assert find(samples, f"eagleray_queue_{name}", queue="reranking") == value

    serve_with(ask)


def test_the_audit_log_is_told(serve_with):
    async def ask(served):
        samples = await read(served)
        assert find(samples, "eagleray_audit_records_written_total") == 11
        assert find(samples, "eagleray_audit_records_refused_total") == 2
        assert find(samples, "eagleray_audit_records_dropped_total") == 3
        assert find(samples, "eagleray_audit_records_pending") == 4
        assert find(samples, "eagleray_audit_is_failing") == 1

    serve_with(ask)


def test_no_text_subject_or_group_is_shown(serve_with):
    async def ask(served):
        await served.search(query="zyzzyva", filter="year >= 2000")
        await served.client.get("/zyzzyva?query=zyzzyva", headers={"x-request-id": "zyzzyva"})
        await served.client.post(PATH, json={}, headers={"authorization": "Bearer zyzzyva"})
        shown = (await served.client.get("/metrics")).text
        for word in ("zyzzyva", "rates", "desk", '"test"', "k1", ">="):
            assert word not in shown

    serve_with(ask, groups=("rates", "desk"))


def test_two_applications_count_apart(serve_with):
    async def ask(served):
        await served.search(query="swap")
        samples = await read(served)
        assert find(samples, "eagleray_searches_total", kind="search", outcome="answered") == 1

    serve_with(ask)
    serve_with(ask)


@pytest.mark.parametrize(
    ("metrics_for", "credential", "status"),
    [
        ("callers", "reader", 200),
        ("callers", "writer", 200),
        ("callers", "nothing", 403),
        ("callers", "wrong", 401),
        ("loopback", "wrong", 200),
        ("off", "reader", 404),
        ("off", "wrong", 401),
    ],
)
def test_only_who_may_reads_metrics(serve_with, metrics_for, credential, status):
    async def ask(served):
        answer = await served.client.get("/metrics", headers={"authorization": f"Bearer {credential}"})
        assert answer.status_code == status
        assert ("eagleray_searches_total" in answer.text) == (status == 200)

    serve_with(ask, metrics_for=metrics_for)


def test_every_metric_stands_on_the_page_and_no_other_does(serve_with):
    async def ask(served):
        await served.search(query="swap")
        ended = EndedRun.of_report({}, run="a", error="", ended_at=1)
        write_ended_run(Collection(served.store, SPEC.name), ended)
        answer = await served.client.get("/metrics", headers={"authorization": "Bearer publisher"})
        shown = {
            sample.name
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name.startswith("eagleray_") and not sample.name.endswith("_created")
        }
        for part in ("_bucket", "_count", "_sum"):
            shown = {name.removesuffix(part) for name in shown}
        rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `eagleray_")}
        assert rows == shown

    serve_with(ask)
