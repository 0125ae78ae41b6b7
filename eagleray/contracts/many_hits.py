"""Hits of many questions, a row a hit, and what they carry besides their scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.hits import Hit

BATCH_SCHEMA: Final = pa.schema(
    [
        pa.field("question", pa.int64(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("dense", pa.float64()),
        pa.field("lexical", pa.float64()),
        pa.field("reranked", pa.float64()),
    ]
)
"""A row a hit: the place of its question in the list, its rank from 1, and its scores."""

FIELDS: Final = (
    "relevance",
    "version",
    "title",
    "heading",
    "text",
    "start",
    "end",
    "page",
    "source",
    "zone",
    "groups",
    "event_time",
    "known_from",
    "known_to",
)
"""Fields of a hit that can be asked for besides; any other name is that of an attribute."""

ATTRIBUTE: Final = "attr."
"""May stand before the name of an attribute, and must where the name is that of another column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyHits:
    """Hits of many questions, those of one together, best first, in the order of the questions.

    Attributes:
        table: a row a hit, as `BATCH_SCHEMA` says.
        values: column that was asked for -> its value in each row, as a `Hit` has it.
    """

    table: pa.Table
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)


class HitGathering:
    """Gathers the hits of one answer after another, and of each no more than what is asked for."""

    def __init__(self, columns: Iterable[str] = ()) -> None:
        """Take what is asked for.

        Args:
            columns: fields and attributes.
        """
        self._tables = [BATCH_SCHEMA.empty_table()]
        self._values: dict[str, list[Any]] = {name: [] for name in columns}
        self._n_answers = 0

    def add(self, hits: Sequence[Hit]) -> None:
        """Add the hits of the next question."""
        rows = [
            {
                "question": self._n_answers,
                "rank": rank,
                "chunk_id": hit.chunk_id,
                "doc_id": hit.doc_id,
                "score": hit.score,
                "dense": hit.dense,
                "lexical": hit.lexical,
                "reranked": hit.reranked,
            }
            for rank, hit in enumerate(hits, start=1)
        ]
        self._n_answers += 1
        self._tables.append(pa.Table.from_pylist(rows, schema=BATCH_SCHEMA))
        for name, values in self._values.items():
            attribute = read_attribute_name(name)
            if attribute is None:
                values.extend(getattr(hit, name) for hit in hits)
            else:
                values.extend(hit.attributes.get(attribute) for hit in hits)

    def finish(self) -> ManyHits:
        """Return all of them."""
        return ManyHits(table=pa.concat_tables(self._tables), values=self._values)


def read_attribute_name(column: str) -> str | None:
    """Return the attribute that a column means; `None` for a field of a hit."""
    return None if column in FIELDS else column.removeprefix(ATTRIBUTE)
