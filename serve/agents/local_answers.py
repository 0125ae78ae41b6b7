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
from serve.agents.pipelines import WITHOUT_MODEL, find_pipeline

Result = TypeVar("Result")


def answer_without_model(request: AskRequest, engine: SearchEngine) -> CitedAnswer:
    """Return the answer of a pipeline that needs no model.

    Raises:
        QueryError: there is no such pipeline, or the question cannot be searched for.
    """
    pipeline = find_pipeline(request, WITHOUT_MODEL)
    return take_answer(iterate_locally(pipeline.answer(request, EngineSearcher(engine, collection=""))))


def take_answer(parts: Iterator[AnswerPart]) -> CitedAnswer:
    """Return the answer that parts end with."""
    *_, answer = parts
    if not isinstance(answer, CitedAnswer):
        raise TypeError("a pipeline ended without an answer")
    return answer


class EngineSearcher:
    """Asks an engine of this process, where nobody else waits."""

    def __init__(self, engine: SearchEngine, *, collection: str) -> None:
        """Take an engine, and the name of the collection that it searches."""
        self._engine, self._collection = engine, collection

    @property
    def collection(self) -> str:
        """Name of the collection that is searched."""
        return self._collection

    def find_left_s(self) -> None:
        """Return nothing: the answer may take any time."""

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Return the hits of a question."""
        return self._engine.search(request)

    async def compute(self, work: Callable[[], Result]) -> Result:
        """Return what work gives."""
        return work()


def iterate_locally(parts: AsyncIterator[AnswerPart]) -> Iterator[AnswerPart]:
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
        self._thread.submit(self._loop.run_until_complete, self._loop.shutdown_asyncgens()).result()
        self._thread.submit(self._loop.close).result()
