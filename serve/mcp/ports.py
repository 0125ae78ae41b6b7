"""What tools need of who serves them: collections, read as one caller may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from eagleray.contracts.cited_answers import AskRequest, CitedAnswer, ReleasedStatement
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument

Made = TypeVar("Made")

OnStatement = Callable[[ReleasedStatement], Awaitable[None]]
"""Called with each statement of an answer, as soon as it is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCollection:
    """A collection that a caller may see.

    Attributes:
        name: what it is asked for by.
        snapshot: id of the one that answers.
    """

    name: str
    snapshot: str


class CollectionReader(Protocol):
    """Reads collections for one caller; to them, what they may not see is not there."""

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    async def list_collections(self) -> Sequence[SeenCollection]:
        """Return the collections the caller may see; the first is asked where none is named."""
        ...

    async def search(self, collection: str, request: SearchRequest, *, snapshot: str) -> SearchResponse:
        """Return the hits of a question; an empty name or snapshot stands for the default."""
        ...

    async def show_document(
        self, collection: str, request: DocumentRequest, *, snapshot: str
    ) -> ShownDocument:
        """Return a document by the chunks that the caller may see."""
        ...

    async def ask(
        self, collection: str, request: AskRequest, *, snapshot: str, on_statement: OnStatement
    ) -> CitedAnswer:
        """Return an answer with citations."""
        ...

    async def compute(self, work: Callable[[], Made]) -> Made:
        """Return what work gives that takes processor time, carried out where it holds up nobody."""
        ...
