"""Searches by the engine itself, in a process of its own, with a thread a core."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import lru_cache
from multiprocessing import get_context

from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.settings import Settings
from indexes.service import LocalIndexService


class EngineProcess:
    """Opens a collection in another process and asks it there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def ask(self, texts: Sequence[str], *, seconds: float) -> tuple[int, float]:
        """Return how many questions were answered, and in how many seconds."""
        return self._pool.submit(_ask, self._settings, texts, seconds).result()


@lru_cache(maxsize=1)
def _open(written: str) -> SearchEngine:
    settings = Settings.model_validate_json(written)
    return LocalIndexService(settings).open_engine(snapshot="live")


def _ask(settings: Settings, texts: Sequence[str], seconds: float) -> tuple[int, float]:
    engine = _open(settings.model_dump_json())
    n_threads = os.cpu_count() or 1
    started = time.perf_counter()

    def ask_on(first: int) -> int:
        n = 0
        for text in texts[first::n_threads]:
            if time.perf_counter() - started > seconds:
                break
            engine.search(SearchRequest(query=text))
            n += 1
        return n

    with ThreadPoolExecutor(n_threads) as pool:
        n = sum(pool.map(ask_on, range(n_threads)))
    return n, time.perf_counter() - started
