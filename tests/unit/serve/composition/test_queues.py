"""What waits in a server is told by the queue that it waits in."""

from __future__ import annotations

import asyncio

from eagleray.contracts.callers import Role


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
