from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.embedders import open_embedder
from eagleray.errors import OverloadedError
from indexes.service import open_searcher
from serve.composition.searches import PROBE, open_search_process
from serve.engine.answering import AnswererLimits
from tests.hashing_collections import publish_hashed
from tests.waiting import wait_until


def test_readiness_is_answered_while_every_thread_of_the_searches_is_held(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    embedder, gate = open_embedder(settings.embedder), threading.Event()

    def open_engine(chosen, name):
        return open_searcher(chosen, snapshot=name, embedder=embedder)

    async def body():
        limits = AnswererLimits(n_threads=1, max_waiting=0, timeout_s=20.0)
        opening = open_search_process(
            settings, embedder, open_engine=open_engine, limits=limits, sharing=None
        )
        async with opening as process, process.open_searches(settings, "live") as opened:
            held = asyncio.create_task(opened.answerer.answer(lambda _: gate.wait(timeout=20)))
            await wait_until(lambda: opened.answerer.n_at_work)
            with pytest.raises(OverloadedError):
                await opened.searches.answer(SearchRequest(query="swap", mode=SearchMode.LEXICAL))
            async with asyncio.timeout(20):
                assert (await opened.searches.answer(PROBE)).explanation.snapshot == snapshot
            assert not held.done()
            gate.set()
            await held

    asyncio.run(body())
