"""From a ranked row to a hit: its columns as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagleray.contracts.documents import AttributeType, AttributeValue
from eagleray.contracts.hits import Hit, SearchMode
from eagleray.contracts.times import format_micros
from indexes.masks.guard import list_groups
from indexes.searching.highlights import Highlighter
from indexes.searching.ranking import Ranked
from indexes.searching.targets import Target
from indexes.segments.view import SegmentView


def make_hit(
    ranked: Ranked,
    target: Target,
    *,
    mode: SearchMode,
    highlighter: Highlighter,
    types: Mapping[str, AttributeType],
) -> Hit:
    """Return the hit a row stands for."""
    view, row = target.view, ranked.row
    fields = read_row(view, row)
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
        highlights=highlighter.find(text),
    )


def read_row(view: SegmentView, row: int) -> dict[str, Any]:
    """Return the columns of a row as values, each read by itself: a slice of the table costs more."""
    columns = zip(view.rows.column_names, view.rows.columns, strict=True)
    return {name: column[row].as_py() for name, column in columns}


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
