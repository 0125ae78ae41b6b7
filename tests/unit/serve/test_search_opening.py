from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.embedders import open_embedder
from eagleray.errors import OverloadedError
from serve.assembling import PROBE, make_alias_watcher
from serve.engine.answering import Answerer, AnswererLimits
from serve.search_opening import open_searches
from tests.hashing_collections import publish_hashed


def test_readiness_is_answered_while_every_thread_of_the_searches_is_held(tmp_path):
    settings, snapshot = publish_hashed(tmp_path)
    embedder, gate = open_embedder(settings.embedder), threading.Event()

    async def body():
        watcher = make_alias_watcher(settings, "live", embedder)
        await watcher.start()
        answerer = Answerer(watcher, AnswererLimits(n_threads=1, max_waiting=0, timeout_s=20.0))
        opened = await open_searches(
            settings, embedder=embedder, watcher=watcher, answerer=answerer, sharing=None
        )
        held = asyncio.create_task(answerer.answer(lambda _: gate.wait(timeout=20)))
        while not answerer.n_at_work:
            await asyncio.sleep(0.001)
        with pytest.raises(OverloadedError):
            await opened.searches.answer(SearchRequest(query="swap", mode=SearchMode.LEXICAL))
        async with asyncio.timeout(20):
            assert (await opened.searches.answer(PROBE)).explanation.snapshot == snapshot
        assert not held.done()
        gate.set()
        await held
        await opened.close()
        await answerer.close()
        await watcher.close()

    asyncio.run(body())
