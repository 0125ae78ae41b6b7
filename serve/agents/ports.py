"""What an answer needs of others, and what answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeVar

from eagleray.contracts.cited_answers import AnswerPart, AskRequest
from eagleray.contracts.hits import SearchRequest, SearchResponse

Result = TypeVar("Result")


class PassageSearcher(Protocol):
    """Searches one snapshot, for one caller."""

    @property
    def collection(self) -> str:
        """Name of the collection that is searched."""
        ...

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Return the hits of a question, all of one snapshot."""
        ...

    async def compute(self, work: Callable[[], Result]) -> Result:
        """Return what work gives that takes processor time, carried out where it holds up nobody."""
        ...


class Pipeline(Protocol):
    """Makes an answer of what a searcher finds."""

    @property
    def name(self) -> str:
        """What it is asked for by."""
        ...

    def answer(self, request: AskRequest, searcher: PassageSearcher) -> AsyncGenerator[AnswerPart]:
        """Yield the statements of the answer as soon as each has been checked, then the answer.

        Closing the iterator (`aclose`) gives the answer up.

        Raises:
            EagleRayError: the question cannot be answered, or what answers failed.
        """
        ...
