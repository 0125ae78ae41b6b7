"""From a ranked row to a hit: its columns as values, and where the query's words stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagleray.contracts.documents import AttributeType, AttributeValue
from eagleray.contracts.hits import Highlight, Hit, SearchMode
from eagleray.contracts.times import format_micros
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.expressions import read_beginning
from indexes.masks.guard import list_groups
from indexes.searching.ranking import Ranked
from indexes.searching.targets import Target


def make_hit(
    ranked: Ranked,
    target: Target,
    *,
    mode: SearchMode,
    terms: Mapping[str, int],
    types: Mapping[str, AttributeType],
) -> Hit:
    """Return the hit a row stands for."""
    view, row = target.view, ranked.row
    fields: dict[str, Any] = view.rows.slice(row, 1).to_pylist()[0]
    text = fields["text"]
    attributes = {
        name: read_attribute(fields.get(f"attr.{name}"), view.attributes.get(name, kind))
        for name, kind in types.items()
    }
    return Hit(
        chunk_id=int(view.chunk_ids[row]),
        doc_id=fields["doc_id"],
        version=fields["version"],
        score=ranked.score,
        dense=None if mode is SearchMode.LEXICAL else ranked.scores[0],
        lexical=None if mode is SearchMode.DENSE else ranked.scores[-1],
        reranked=ranked.reranked,
        title=fields["title"],
        heading=fields["heading"],
        text=text,
        start=fields["start"],
        end=fields["end"],
        page=fields["page"],
        source=fields["source"],
        zone=view.zone,
        groups=list_groups(view, row),
        event_time=fields["event_time"],
        known_from=int(view.known_from[row]),
        known_to=int(view.known_to[row]),
        attributes=attributes,
        highlights=find_highlights(text, terms),
    )


def find_highlights(text: str, terms: Mapping[str, int]) -> tuple[Highlight, ...]:
    """Return the spans of the words of `text` that the query asks for, in order, none within another."""
    found: list[Highlight] = []
    beginnings = tuple(beginning for beginning in map(read_beginning, terms) if beginning)
    for token in ENGLISH.find_tokens(text):
        is_asked = token.term in terms or token.surface.startswith(beginnings)
        if is_asked and (not found or token.start >= found[-1].end):
            found.append(Highlight(start=token.start, end=token.end))
    return tuple(found)


def read_attribute(value: Any, kind: AttributeType) -> AttributeValue | None:
    """Return a column's value as an attribute: times in ISO 8601, lists as tuples."""
    if value is None:
        return None
    if kind is AttributeType.TIME:
        return format_micros(value)
    if kind is AttributeType.STRINGS:
        return tuple(value)
    plain: AttributeValue = value
    return plain
