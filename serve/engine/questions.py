"""What an engine can be asked, as values: small, and the same in another process."""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.contracts.hits import SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.ports import FloatVector
from serve.engine.shelf import Engine
from serve.tracing.spans import describe, mark_steps, span


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """One search.

    Attributes:
        request: the question.
        vector: of its query; `None` where it needs none, or the engine is to embed it.
    """

    request: SearchRequest
    vector: FloatVector | None = None

    def __call__(self, engine: Engine) -> SearchResponse:
        """Return the engine's answer."""
        with span("search") as made:
            response = engine.search(self.request, vector=self.vector)
            told = response.explanation
            describe(made, snapshot=told.snapshot, n_hits=len(response.hits))
            mark_steps(told.timings_ms)
        return response


def needs_vector(request: SearchRequest) -> bool:
    """Return whether the query of a request is compared as a vector."""
    return not request.like and request.mode is not SearchMode.LEXICAL
