"""What every call of a run is held to: the caller, the time, the filter and the snapshot of its question.

A model may narrow them, and nothing that it writes widens them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.filters import And, Compare, Comparison, FilterExpression
from eagleray.contracts.hits import Granularity, Hit, Ranking, SearchMode, SearchRequest
from eagleray.contracts.principals import ANONYMOUS
from eagleray.contracts.times import OPEN_END, format_micros, parse_instant
from eagleray.digests import digest_bytes
from eagleray.errors import QueryError
from indexes.masks.filter_checks import check_filter
from indexes.masks.grammar import parse_filter

N_DOCUMENT_CHUNKS: Final = 200
"""Of a document, that are read at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCall:
    """What a tool searches for, as JSON has it.

    Attributes:
        as_of: ISO 8601, not after the time of the question; empty for that time.
        filter: text of a filter that holds besides that of the question.
        document: id of the only document that is looked through; empty for all.
        is_whole: whether the document is read, not searched.
    """

    query: str
    k: int = 10
    as_of: str = ""
    filter: str = ""
    document: str = ""
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentScope:
    """Of one run. Attributes: the question as its caller asked it, and the collection that is asked."""

    request: AskRequest
    collection: str

    @property
    def digest(self) -> str:
        """Changes with everything that a run is held to; equal for the same question of the same caller."""
        search = self.request.search
        principal = search.principal
        zones = None if principal.zones is None else sorted(principal.zones)
        asked = replace(search, principal=ANONYMOUS)
        limits = (self.request.pipeline, self.request.max_citations)
        parts = (self.collection, principal.subject, sorted(principal.groups), zones, asked, limits)
        return digest_bytes(repr(parts).encode())

    def narrow(self, call: SearchCall) -> SearchRequest:
        """Return the search of a tool: for the same caller, of no more rows, and of no later time.

        Raises:
            InputError: the call asks for more, or cannot be read.
        """
        search = self.request.search
        narrowed = replace(
            search,
            query=call.query,
            k=call.k,
            as_of=self._find_as_of(call.as_of),
            filter=_join_filters(search.filter, call),
            granularity=Granularity.CHUNK,
        )
        if not call.is_whole:
            return narrowed
        return replace(
            narrowed, mode=SearchMode.DENSE, exact=True, ranking=Ranking(), rerank=0, k=N_DOCUMENT_CHUNKS
        )

    def is_citable(self, hit: Hit) -> bool:
        """Return whether a hit is still visible at the time of the question."""
        as_of = self.request.search.as_of
        return hit.known_to == OPEN_END if as_of is None else hit.known_to > as_of

    def _find_as_of(self, text: str) -> int | None:
        last = self.request.search.as_of
        if not text:
            return last
        as_of = parse_instant(text)
        if last is not None and as_of > last:
            raise QueryError(detail=f"as_of {text} is after {format_micros(last)}, as of which is asked")
        return as_of


def _join_filters(asked: FilterExpression | None, call: SearchCall) -> FilterExpression | None:
    parts = [] if asked is None else [asked]
    if call.filter:
        parts.append(parse_filter(call.filter))
    if call.document:
        parts.append(Compare(column="doc_id", op=Comparison.EQ, value=call.document))
    if len(parts) <= 1:
        return parts[0] if parts else None
    joined = And(operands=tuple(parts))
    check_filter(joined)
    return joined
