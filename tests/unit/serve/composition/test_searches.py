from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.errors import OverloadedError
from indexes.engine_factory import make_engine_factory
from serve.composition.models import Models
from serve.composition.searches import PROBE, open_search_process
from serve.composition.stored_collections import find_collections
from serve.engine.search_threads import AnswererLimits
from tests.hashing_collections import publish_hashed
from tests.waiting import wait_until


def test_readiness_is_answered_while_every_thread_of_the_searches_is_held(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    models, gate = Models(settings), threading.Event()

    def open_engine(_, name):
        return make_engine_factory(settings).open_searcher(name, embedder=models.embedder)

    async def body():
        limits = AnswererLimits(n_threads=1, max_waiting=0, timeout_s=20.0)
        stored = find_collections(settings, alias="live")
        opening = open_search_process(stored, models, open_engine=open_engine, limits=limits, sharing=None)
        async with opening as process, process.open_searches(settings.collection) as opened:
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
