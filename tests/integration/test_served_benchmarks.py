"""Small slices of the benchmarks of a served system, and proof that they would notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import http_leaks, publishing, serving, write_pressure
from benchmarks.http_world import COLLECTION
from benchmarks.http_written import check_written
from benchmarks.load import Done, LoadProcess, TimedAnswer
from benchmarks.serving_process import run_server
from benchmarks.written_desk import Person
from eagleray.contracts.collections import Collection
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.storage import open_store
from tests.hashing_collections import publish_hashed
from tests.integration.cut_runs import NOTES, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


def test_nothing_leaks_over_http_and_nothing_differs():
    figures = http_leaks.run(300, seed=11)
    assert (figures["requests"], figures["leaks"], figures["differences"]) == (300, 0, 0)
    assert figures["publishes"] + figures["rollbacks"] >= 1
    assert figures["route search"] > 20
    assert min(figures["route listing"], figures["route unseen collection"]) > 0
    assert min(figures["route write"], figures["route upload"], figures["route store search"]) > 0


def test_a_collection_that_tells_of_itself_to_who_may_not_see_it_is_told_as_a_leak(monkeypatch):
    monkeypatch.setattr(http_leaks.HttpCaller, "may_see", lambda _caller, name: name == "world")
    assert http_leaks.run(200, seed=14)["leaks"] > 5


def test_rows_that_an_oracle_takes_for_hidden_are_told_as_leaks(monkeypatch):
    make_world = http_leaks.make_http_world

    def make_closed(*arguments, **named):
        world = make_world(*arguments, **named)
        for state in world.states.values():
            for row in list(state.rows.values())[::2]:
                row.groups = frozenset({"nobody"})
        return world

    monkeypatch.setattr(http_leaks, "make_http_world", make_closed)
    assert http_leaks.run(60, seed=12)["leaks"] > 5


def test_what_was_written_for_others_is_told_as_a_leak(monkeypatch, capsys):
    monkeypatch.setattr(Person, "may_read", lambda _person, _paper: False)
    assert check_written(7, 200)["leaks"] > 3
    assert "search meanwhile shows" in capsys.readouterr().err


def test_answers_under_moves_of_the_alias_are_those_of_one_snapshot(cluster, settings, tmp_path):
    first = ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", NOTES))["snapshot"]
    changed = [{**note, "text": note["text"] + " It was called early."} for note in NOTES]
    second = ingest(settings, write_lines(tmp_path / "desk" / "notes.jsonl", changed))["snapshot"]
    texts = ["bond coupon", "called early"]
    figures = publishing.measure(settings, [first, second], texts, n=1, n_clients=4)
    assert (figures["publishes"], figures["failed"], figures["mixed"]) == (1, 0, 0)
    assert figures["moves_seen"] == 2
    assert 0.0 < figures["max_publish_ms"] < 5_000.0


def test_an_answer_of_two_snapshots_is_mixed():
    whole = TimedAnswer(question=0, began=0.0, ended=1.0, status=200, body=b'{"snapshot": "a", "hits": [1]}')
    mixed = replace(whole, body=b'{"snapshot": "b", "hits": [1]}')
    known = {"a": [{"snapshot": "a", "hits": [1]}], "b": [{"snapshot": "b", "hits": [2]}]}
    assert publishing.count_mixed([whole, mixed, mixed], known) == 2


def test_engine_and_server_take_turns_over_distinct_questions(tmp_path):
    world = http_leaks.make_http_world(13, tmp_path)
    store = open_store(world.settings.store)
    snapshot = next(iter(world.states))
    move_alias(
        Collection(store, COLLECTION),
        "live",
        move=AliasMove(expected=None, snapshot=snapshot, reason="", now=1),
    )
    with LoadProcess() as process, run_server(world.settings) as url:
        measured = serving.MeasuredServer(process, seconds=0.3, n_clients=4)
        queries = [f"swap rating {number}" for number in range(100)]
        figures = serving.compare_searches(measured, world.settings, url, queries)
    assert measured.n_failed == 0
    assert min(figures["engine_qps"], figures["served_qps"], figures["client_cpu_share"]) > 0.0
    assert 0.0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]


def test_questions_never_come_again():
    questions = list(serving.iterate_distinct([f"word{number} again" for number in range(20)]))
    assert len(questions) == len(set(questions)) == 400


def test_searches_beside_writes_are_compared_with_searches_alone(tmp_path):
    settings, _ = publish_hashed(tmp_path)
    prose = "The issuer deferred the coupon of its notes, and the curve flattened. " * 50
    figures = write_pressure.measure(settings, ["swap curve"], prose, kb=20, n_clients=4, seconds=8.0)
    assert (figures["failed"], figures["failed_writes"]) == (0, [])
    assert min(figures["written"].values()) > 0
    assert min(figures[name]["searches"] for name in ("alone", "beside")) > 0


def test_a_search_or_a_write_that_fails_beside_the_other_is_counted():
    def done(took_s, status=200):
        asked = [TimedAnswer(question=0, began=1.0, ended=1.0 + took_s, status=status, body=b"")]
        return Done(asked=asked, seconds=1.0, cpu_s=0.0)

    figures = write_pressure.tell(
        done(0.1), done(0.4, status=504), {"documents": 1}, ["HTTPStatusError: 500"]
    )
    assert (figures["failed"], figures["ratio_p99"], figures["ratio_p50"]) == (2, 4.0, 4.0)
