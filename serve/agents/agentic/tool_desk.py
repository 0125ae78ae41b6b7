"""What the agent's tools work with: searches within the scope of the question, and what they have read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.hits import SearchResponse
from eagleray.errors import GuardError
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.scope import AgentScope, SearchCall
from serve.agents.extractive import choose_units
from serve.agents.instructions import withhold_instructions
from serve.agents.passage_units import PassageUnit
from serve.agents.ports import PassageSearcher


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of a call; plain JSON by `asdict`.

    Attributes:
        note: in words and figures; no sentence of a document.
        labels: of what was found.
        searches: that were made for it.
        suspects: documents with passages that were withheld, for they read like an instruction.
    """

    note: str = ""
    labels: tuple[str, ...] = ()
    searches: tuple[dict[str, Any], ...] = ()
    suspects: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class ToolDesk:
    """What a tool works with, during one call.

    Attributes:
        scope: that every search is held to.
        snapshot: id of the one that must answer; empty before the first search.
        searches: that were made.
        suspects: documents with withheld passages.
    """

    scope: AgentScope
    searcher: PassageSearcher
    evidence: RunEvidence
    snapshot: str = ""
    searches: list[dict[str, Any]] = field(default_factory=list)
    suspects: dict[str, None] = field(default_factory=dict)

    async def search(self, call: SearchCall) -> SearchResponse:
        """Return the hits of a search within the scope, but those that read like an instruction.

        Raises:
            InputError: it asks for more than the scope allows, or cannot be read.
            GuardError: another snapshot answered.
        """
        found = await self.searcher.search(self.scope.narrow(call))
        self.searches.append(asdict(call))
        return await self._read(found)

    async def search_question(self, request: AskRequest) -> tuple[SearchResponse, SearchResponse]:
        """Return what a search for the question found, as it was asked, and what of it may be read.

        Raises:
            EagleRayError: the search failed.
        """
        found = await self.searcher.search(request.search)
        return found, await self._read(found)

    async def _read(self, found: SearchResponse) -> SearchResponse:
        """Return what may be read of hits of the run's snapshot; the first search decides which it is."""
        if self.snapshot and found.explanation.snapshot != self.snapshot:
            chunk_id = found.hits[0].chunk_id if found.hits else 0
            raise GuardError(chunk_id=chunk_id, rule="it is of another snapshot than its answer")
        self.snapshot = found.explanation.snapshot
        kept, _ = await self.searcher.compute(partial(withhold_instructions, found.hits))
        read = frozenset(hit.chunk_id for hit in kept)
        self.suspects |= {hit.doc_id: None for hit in found.hits if hit.chunk_id not in read}
        await self.searcher.compute(partial(self.evidence.read, kept))
        return replace(found, hits=kept)

    def choose(self, found: SearchResponse, query: str, n: int) -> list[PassageUnit]:
        """Return the sentences and rows of hits that say most about a query, likely to answer it or not."""
        return choose_units(replace(found, relevant=None), question=query, n=n)

    def clear(self) -> None:
        """Begin the next call."""
        self.searches, self.suspects = [], {}

    def finish(self, note: str, labels: Sequence[str]) -> ToolResult:
        """Return the result of the call."""
        return ToolResult(
            note=note, labels=tuple(labels), searches=tuple(self.searches), suspects=tuple(self.suspects)
        )
