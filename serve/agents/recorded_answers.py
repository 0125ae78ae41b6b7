"""Whether a recorded answer still holds: what it says stands in what it cites. No model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eagleray.contracts.cited_answers import Citation, Statement
from eagleray.contracts.hits import Hit, SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.shown_documents import DocumentRequest, ShownChunk, ShownDocument
from eagleray.errors import DocumentNotFoundError
from serve.agents.citations import make_citations
from serve.agents.passage_units import list_units
from serve.agents.verification import Outcome, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedPlace:
    """What a citation quotes, without its text.

    Attributes:
        start: first character in the document's text.
        end: one past the last.
    """

    doc_id: str
    chunk_id: int
    start: int
    end: int


def find_fault(
    statements: Sequence[Statement],
    places: Sequence[QuotedPlace],
    *,
    asked: SearchRequest,
    engine: SearchEngine,
) -> str:
    """Return the first thing that does not hold any more, without any text; empty where all does.

    Args:
        statements: of the answer, in their order.
        places: that it cites, in the order of their numbers.
        asked: whose time and caller decide what may be cited.
        engine: over the snapshot that answered.

    Raises:
        EagleRayError: the snapshot cannot be read.
    """
    cited: dict[int, Citation] = {}
    for number, place in enumerate(places, start=1):
        citation = _recall_citation(place, asked=asked, engine=engine)
        if citation is None:
            where = f"characters {place.start} to {place.end} of {place.doc_id}"
            return f"citation {number}, {where}, is not there for this caller at that time"
        cited[number] = replace(citation, number=number)
    for number, statement in enumerate(statements, start=1):
        if not cited.keys() >= set(statement.citations):
            return f"statement {number} cites what the answer does not"
        verdict = verify(statement.text, [cited[at] for at in statement.citations])
        if verdict.outcome is not Outcome.SUPPORTED:
            return f"statement {number} is {verdict.outcome} by the rule {verdict.rule!r}"
    return ""


def _recall_citation(place: QuotedPlace, *, asked: SearchRequest, engine: SearchEngine) -> Citation | None:
    """Return a citation as the snapshot has it; `None` where the caller may not see it, or it is none."""
    request = DocumentRequest(doc_id=place.doc_id, as_of=asked.as_of, principal=asked.principal)
    try:
        document = engine.show_document(request)
    except DocumentNotFoundError:
        return None
    chunk = next((item for item in document.chunks if item.chunk_id == place.chunk_id), None)
    if chunk is None:
        return None
    units = [
        unit
        for unit in list_units([_make_hit(document, chunk)])
        if place.start <= chunk.start + unit.start and chunk.start + unit.end <= place.end
    ]
    found = make_citations(units)
    is_same = len(found) == 1 and (found[0].start, found[0].end) == (place.start, place.end)
    return found[0] if is_same else None


def _make_hit(document: ShownDocument, chunk: ShownChunk) -> Hit:
    """Return a chunk as a search that found it would, without scores."""
    return Hit(
        chunk_id=chunk.chunk_id,
        doc_id=document.doc_id,
        version=document.version,
        score=0.0,
        dense=None,
        lexical=None,
        title=document.title,
        heading=chunk.heading,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        source=document.source,
        zone=document.zone,
        groups=document.groups,
        event_time=document.event_time,
        known_from=document.known_from,
        known_to=document.known_to,
        attributes=document.attributes,
    )
