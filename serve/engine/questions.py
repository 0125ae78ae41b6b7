"""What an engine can be asked, as values: small, and the same in another process."""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.contracts.hits import SearchRequest, SearchResponse
from serve.engine.shelf import Engine


@dataclass(frozen=True, slots=True)
class Search:
    """One search."""

    request: SearchRequest

    def __call__(self, engine: Engine) -> SearchResponse:
        """Return the engine's answer."""
        return engine.search(self.request)
