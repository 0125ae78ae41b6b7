"""A pipeline that answers one question of a caller: the way every route runs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.cited_answers import AnswerPart, AskRequest, CitedAnswer, ReleasedStatement
from serve.agents.ports import Pipeline
from serve.engine.passage_searches import PassageSearches
from serve.http.serving import ServedCollection


class PipelineRun:
    """Makes one answer."""

    def __init__(
        self,
        collection: ServedCollection,
        pipeline: Pipeline,
        request: AskRequest,
        *,
        timeout_s: float | None = None,
    ) -> None:
        """Take the parts.

        Args:
            collection: that is asked.
            pipeline: that answers.
            request: the question, of its caller.
            timeout_s: seconds for the answer; `None` leaves each search the limit of the server.
        """
        self._collection, self._pipeline = collection, pipeline
        self._timeout_s = timeout_s
        self.request = replace(request, pipeline=pipeline.name)
        """With the name of what answers it, as it is recorded."""

    def iterate(self, named: AskedSnapshot | None) -> AsyncGenerator[AnswerPart]:
        """Yield the parts of the answer, from the alias's snapshot or the one that is named.

        Closing the iterator (`aclose`) gives the answer up.
        """
        searches = PassageSearches(
            self._collection.searches,
            collection=self._collection.name,
            snapshot=named,
            timeout_s=self._timeout_s,
        )
        return self._pipeline.answer(self.request, searches)

    async def make(self, named: AskedSnapshot | None) -> CitedAnswer:
        """Return the whole answer."""
        async with aclosing(self.iterate(named)) as parts:
            async for part in parts:
                if isinstance(part, CitedAnswer):
                    return part
        raise TypeError(f"pipeline {self._pipeline.name!r} ended without an answer")


def write_piece(part: ReleasedStatement, *, is_first: bool) -> str:
    """Return what a statement adds to the text of an answer."""
    numbers = "".join(f"[{number}]" for number in part.statement.citations)
    return f"{'' if is_first else chr(10)}{part.statement.text} {numbers}"
