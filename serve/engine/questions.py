"""What an engine can be asked, as values: small, and the same in another process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from eagleray.contracts.facets import ValueCounts, make_counts
from eagleray.contracts.hits import FacetRequest, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.ports import FloatVector
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from eagleray.errors import DocumentNotFoundError
from serve.engine.snapshot_pool import Engine
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


@dataclass(frozen=True, slots=True, eq=False)
class SearchBatch:
    """Searches of one snapshot, one after the other, as many as fit in a turn.

    Attributes:
        searches: in the order of the answers.
        turn_s: seconds after which no further one begins.
    """

    searches: tuple[Search, ...]
    turn_s: float

    def __call__(self, engine: Engine) -> tuple[SearchResponse, ...]:
        """Return the engine's answers to the first searches, one at least.

        Raises:
            EagleRayError: what the first search raised that failed.
        """
        ends_at, responses = time.monotonic() + self.turn_s, []
        for search in self.searches:
            responses.append(search(engine))
            if time.monotonic() >= ends_at:
                break
        return tuple(responses)


@dataclass(frozen=True, slots=True)
class CountValues:
    """Counts of a column's values."""

    request: FacetRequest

    def __call__(self, engine: Engine) -> ValueCounts:
        """Return the engine's counts."""
        with span("count") as made:
            counts = make_counts(engine.snapshot, engine.count_values(self.request))
            describe(made, snapshot=counts.snapshot, n_values=len(counts.values))
        return counts


@dataclass(frozen=True, slots=True)
class ShowDocument:
    """One document."""

    request: DocumentRequest

    def __call__(self, engine: Engine) -> ShownDocument:
        """Return what the engine shows of it."""
        with span("show") as made:
            shown = engine.show_document(self.request)
            describe(made, snapshot=shown.snapshot, n_chunks=len(shown.chunks))
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeRows:
    """Rows that were read earlier.

    Attributes:
        rows: doc_id -> ids of chunks.
        times: as of which a row may be seen, one of them at least; see `DocumentRequest`.
        principal: the caller.
    """

    rows: Mapping[str, frozenset[int]]
    times: tuple[int | None, ...]
    principal: Principal

    def __call__(self, engine: Engine) -> bool:
        """Return whether the caller may see all of them."""
        with span("show"):
            return all(chunks <= self._find(engine, doc_id) for doc_id, chunks in self.rows.items())

    def _find(self, engine: Engine, doc_id: str) -> set[int]:
        found: set[int] = set()
        for time_us in self.times:
            request = DocumentRequest(doc_id=doc_id, as_of=time_us, principal=self.principal)
            with suppress(DocumentNotFoundError):
                found.update(chunk.chunk_id for chunk in engine.show_document(request).chunks)
        return found


def needs_vector(request: SearchRequest) -> bool:
    """Return whether the query of a request is compared as a vector."""
    return not request.like and request.mode is not SearchMode.LEXICAL
