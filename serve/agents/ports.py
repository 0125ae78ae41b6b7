"""What an answer needs of others, and what answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from eagleray.contracts.cited_answers import AnswerPart, AskRequest
from eagleray.contracts.hits import SearchRequest, SearchResponse

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBudget:
    """What a language model may take for one answer.

    Attributes:
        context_tokens: that it reads and writes in one call.
        reply_tokens: that it writes in one call.
        answer_tokens: that it reads and writes in all calls.
        timeout_s: seconds of all calls.
    """

    context_tokens: int = 4_096
    reply_tokens: int = 512
    answer_tokens: int = 16_384
    timeout_s: float = 60.0


BUDGET: Final = AnswerBudget()
"""Where nothing else is set."""


class PassageSearcher(Protocol):
    """Searches one snapshot, for one caller."""

    @property
    def collection(self) -> str:
        """Name of the collection that is searched."""
        ...

    def find_left_s(self) -> float | None:
        """Return the seconds that are left for the answer; `None` where it may take any time."""
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
