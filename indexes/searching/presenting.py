"""From a ranked row to a hit: its columns as values."""

from __future__ import annotations

from typing import Any, Final

from eagleray.contracts.documents import AttributeType, AttributeValue
from eagleray.contracts.hits import Hit, SearchMode
from eagleray.contracts.times import format_micros
from indexes.masks.guard import list_groups
from indexes.searching.highlights import Highlighter, place_highlights
from indexes.searching.ranking import Ranked
from indexes.searching.snippets import SnippetMaker
from indexes.searching.targets import Target
from indexes.segments.attribute_columns import read_row_values
from indexes.segments.view import SegmentView

_PLAIN: Final = (
    "doc_id",
    "version",
    "title",
    "heading",
    "text",
    "start",
    "end",
    "page",
    "source",
    "event_time",
)
"""Columns that are shown as they are."""


def make_hit(
    ranked: Ranked,
    target: Target,
    *,
    mode: SearchMode,
    highlighter: Highlighter,
    snippets: SnippetMaker,
    relevance: float | None,
) -> Hit:
    """Return the hit a row stands for."""
    fields = read_fields(target.view, ranked.row)
    text, words = fields["text"], highlighter.find_words(fields["text"])
    return Hit(
        **fields,
        score=ranked.score,
        dense=None if mode is SearchMode.LEXICAL else ranked.scores[0],
        lexical=None if mode is SearchMode.DENSE else ranked.scores[-1],
        reranked=ranked.reranked,
        relevance=relevance,
        highlights=place_highlights(words),
        snippet=snippets.make(text, words=words, title=fields["title"], heading=fields["heading"]),
    )


def read_fields(view: SegmentView, row: int) -> dict[str, Any]:
    """Return the fields of a hit that its row alone decides, by their names.

    Attributes are those the row has, so none tells what other rows have.
    """
    columns = dict(
        zip(view.rows.column_names, view.rows.columns, strict=True)
    )  # a look-up by name costs more
    return {
        **{name: columns[name][row].as_py() for name in _PLAIN},
        "chunk_id": int(view.chunk_ids[row]),
        "zone": view.zone,
        "groups": list_groups(view, row),
        "known_from": int(view.known_from[row]),
        "known_to": int(view.known_to[row]),
        "attributes": {
            name: show_value(kind, value) for name, (kind, value) in read_row_values(columns, row).items()
        },
    }


def show_value(kind: AttributeType, value: Any) -> AttributeValue:
    """Return a value of a column as an attribute: times in ISO 8601, lists as tuples."""
    if kind is AttributeType.TIME:
        return format_micros(value)
    if kind is AttributeType.STRINGS:
        return tuple(value)
    plain: AttributeValue = value
    return plain
