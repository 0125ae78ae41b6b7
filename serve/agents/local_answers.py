"""Answers in this process, on an opened snapshot: what a notebook and the command line ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

from eagleray.contracts.cited_answers import AnswerPart, AskRequest, CitedAnswer
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.ports import SearchEngine
from eagleray.settings import Settings
from serve.agents.pipelines import find_pipeline

Result = TypeVar("Result")


class LocalAnswerService:
    """Answers questions about a snapshot that is open here."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; the pipeline without a model needs none of them."""

    def ask(self, request: AskRequest, engine: SearchEngine) -> CitedAnswer:
        """Return the answer; see `answer_locally`."""
        return answer_locally(request, engine)

    def ask_stream(self, request: AskRequest, engine: SearchEngine) -> Iterator[AnswerPart]:
        """Yield the statements of the answer, then the whole of it; see `stream_locally`."""
        return stream_locally(request, engine)


def answer_locally(request: AskRequest, engine: SearchEngine) -> CitedAnswer:
    """Return the answer of an engine in this process.

    Raises:
        QueryError: there is no such pipeline, or the question cannot be searched for.
    """
    *_, answer = stream_locally(request, engine)
    if not isinstance(answer, CitedAnswer):
        raise TypeError(f"pipeline {request.pipeline!r} ended without an answer")
    return answer


def stream_locally(request: AskRequest, engine: SearchEngine) -> Iterator[AnswerPart]:
    """Yield the statements of an answer, then the whole of it.

    Raises:
        QueryError: as `answer_locally`.
    """
    return _iterate(find_pipeline(request).answer(request, _EngineSearcher(engine)))


class _EngineSearcher:
    """Asks an engine of this process, where nobody else waits."""

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Return the hits of a question."""
        return self._engine.search(request)

    async def compute(self, work: Callable[[], Result]) -> Result:
        """Return what work gives."""
        return work()


def _iterate(parts: AsyncIterator[AnswerPart]) -> Iterator[AnswerPart]:
    """Yield what an asynchronous iterator yields, in a thread: a notebook runs a loop of its own."""
    with ThreadPoolExecutor(1, thread_name_prefix="answering") as thread, closing(_Loop(thread)) as loop:
        try:
            while True:
                try:
                    yield loop.run(anext, parts)
                except StopAsyncIteration:
                    return
        finally:
            close = getattr(parts, "aclose", None)
            if close is not None:
                loop.run(close)


class _Loop:
    """An event loop in a thread."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread, self._loop = thread, asyncio.new_event_loop()

    def run(self, call: Any, *arguments: Any) -> Any:
        """Return what an asynchronous call gives."""

        async def wait() -> Any:
            return await call(*arguments)

        return self._thread.submit(self._loop.run_until_complete, wait()).result()

    def close(self) -> None:
        """End the loop."""
        self._thread.submit(self._loop.close).result()
