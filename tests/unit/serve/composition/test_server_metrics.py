"""What metrics tell of a whole server: its queues, and how large and fresh its collections are."""

from __future__ import annotations

import asyncio

from eagleray.contracts.callers import Role
from eagleray.contracts.collections import Collection
from indexes.runs.ended import EndedRun, write_ended_run


def test_metrics_tell_what_waits_in_every_queue_of_the_process(desk):
    made = desk("notes", "bonds")

    async def ask():
        async with made.serve() as client:
            shown = await client.get("/metrics", headers=made.make_key(role=Role.PUBLISHER))
            bound = await client.get("/metrics", headers=made.make_key("notes"))
        lines = shown.text.splitlines()
        for queue in ("search", "search_embedding", "passage_embedding", "question_embedding", "writing"):
            assert f'eagleray_queue_requests_waiting{{queue="{queue}"}} 0.0' in lines
            assert f'eagleray_queue_processes{{queue="{queue}"}} 1.0' in lines
        assert "reranking" not in shown.text, "there is no reranker"
        assert bound.status_code == 200
        assert "eagleray_queue" not in bound.text, "it counts what callers of other collections wait for"

    asyncio.run(ask())


def test_metrics_tell_what_the_last_run_did_and_whether_it_failed(desk):
    made = desk("notes", "bonds")
    reported = {"documents_new": 5, "dead_letters": 2}
    ended = EndedRun.of_report(reported, run="a", error="", ended_at=1_000_000)
    write_ended_run(Collection(made.store, "notes"), ended)

    async def ask(key):
        async with made.serve() as client:
            return (await client.get("/metrics", headers=key)).text

    shown = asyncio.run(ask(made.make_key(role=Role.WRITER)))
    assert 'eagleray_collection_last_run_documents{collection="notes",result="new"} 5.0' in shown
    assert 'eagleray_collection_last_run_documents{collection="notes",result="set_aside"} 2.0' in shown
    assert 'eagleray_collection_last_run_failed{collection="notes"} 0.0' in shown
    assert 'eagleray_collection_last_run_age_seconds{collection="notes"}' in shown
    assert 'last_run_failed{collection="bonds"}' not in shown, "no run noted its end there"
    for key in (made.make_key(), made.make_key("bonds", role=Role.WRITER)):
        assert 'last_run_failed{collection="notes"}' not in asyncio.run(ask(key))


def test_rows_of_everybody_are_counted_for_those_alone_who_may_operate(desk):
    made = desk("notes", "bonds", collections="bonds")

    async def ask(**key):
        async with made.serve() as client:
            return (await client.get("/metrics", **key)).text.splitlines()

    def find(lines, name):
        return {
            line.partition("{")[2].partition("}")[0]: float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith(f"eagleray_collection_{name}{{")
        }

    lines = asyncio.run(ask(headers=made.make_key(role=Role.PUBLISHER)))
    named = {'collection="notes"', 'collection="bonds"'}
    for name in ("rows", "documents", "newest_row_age_seconds", "published_age_seconds", "unread_parts"):
        assert find(lines, name).keys() == named
    assert find(lines, "documents")['collection="notes"'] > 0
    assert find(lines, "rows")['collection="notes"'] >= find(lines, "documents")['collection="notes"']
    bound = asyncio.run(ask(headers=made.make_key("bonds", role=Role.PUBLISHER)))
    assert find(bound, "rows").keys() == {'collection="bonds"'}
    assert not find(asyncio.run(ask(headers=made.make_key())), "rows"), "a reader may not count hidden rows"
