"""What an engine can be asked, as values: small, and the same in another process."""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.contracts.hits import SearchRequest, SearchResponse
from serve.engine.shelf import Engine
from serve.tracing.spans import describe, mark_steps, span


@dataclass(frozen=True, slots=True)
class Search:
    """One search."""

    request: SearchRequest

    def __call__(self, engine: Engine) -> SearchResponse:
        """Return the engine's answer."""
        with span("search") as made:
            response = engine.search(self.request)
            told = response.explanation
            describe(made, snapshot=told.snapshot, n_hits=len(response.hits))
            mark_steps(told.timings_ms)
        return response
