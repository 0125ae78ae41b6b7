"""What the agent's tools work with: searches within the scope of the question, and what they have read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.hits import SearchResponse
from eagleray.errors import GuardError
from serve.agents.agentic.evidence import RunEvidence, is_withheld
from serve.agents.agentic.scope import AgentScope, SearchCall
from serve.agents.extractive import choose_units
from serve.agents.passage_units import PassageUnit
from serve.agents.ports import PassageSearcher


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of a call; plain JSON by `asdict`.

    Attributes:
        note: in words and figures; no sentence of a document.
        labels: of what was found.
        searches: that were made for it.
        suspects: documents with text that was withheld, for it reads like an instruction.
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
        suspects: documents with withheld text.
    """

    scope: AgentScope
    searcher: PassageSearcher
    evidence: RunEvidence
    snapshot: str = ""
    searches: list[dict[str, Any]] = field(default_factory=list)
    suspects: dict[str, None] = field(default_factory=dict)

    async def search(self, call: SearchCall) -> SearchResponse:
        """Return the hits of a search within the scope.

        Raises:
            InputError: it asks for more than the scope allows, or cannot be read.
            GuardError: another snapshot answered.
        """
        found = self._hold(await self.searcher.search(self.scope.narrow(call)))
        self.searches.append(asdict(call))
        return found

    async def search_question(self, request: AskRequest) -> SearchResponse:
        """Return the hits of the question, as it was asked.

        Raises:
            EagleRayError: the search failed.
        """
        return self._hold(await self.searcher.search(request.search))

    def _hold(self, found: SearchResponse) -> SearchResponse:
        """Return hits of the run's snapshot; the first search decides which it is."""
        if self.snapshot and found.explanation.snapshot != self.snapshot:
            chunk_id = found.hits[0].chunk_id if found.hits else 0
            raise GuardError(chunk_id=chunk_id, rule="it is of another snapshot than its answer")
        self.snapshot = found.explanation.snapshot
        self.evidence.read(found)
        return found

    def choose(self, found: SearchResponse, query: str, n: int) -> list[PassageUnit]:
        """Return the sentences and rows of hits that say most about a query, likely to answer it or not."""
        return choose_units(replace(found, relevant=None), question=query, n=n)

    def label(self, units: Sequence[PassageUnit]) -> tuple[str, ...]:
        """Return labels of what the model may be shown; what reads like an instruction is reported."""
        shown = []
        for unit in units:
            if is_withheld(unit):
                self.suspects[unit.hit.doc_id] = None
            else:
                shown.append(unit)
        return tuple(self.evidence.label(shown))

    def clear(self) -> None:
        """Begin the next call."""
        self.searches, self.suspects = [], {}

    def finish(self, note: str, labels: Sequence[str]) -> ToolResult:
        """Return the result of the call."""
        return ToolResult(
            note=note, labels=tuple(labels), searches=tuple(self.searches), suspects=tuple(self.suspects)
        )
