"""Chunks: the unit that is embedded and found, and the Arrow schemas of the hand-off files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A span of a document: `document.text[start:end] == text`.

    Attributes:
        ordinal: place within the document, from 0.
        start: first character in the document's text.
        end: one past the last character.
        text: the span itself.
        heading: title and heading path that go in front of what is embedded.
        page: page the span begins on, from 1, or `None`.
    """

    ordinal: int
    start: int
    end: int
    text: str
    heading: str
    page: int | None = None

    @property
    def embedded_text(self) -> str:
        """What the embedder and the lexical index read: heading, newline, text."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


CHUNK_SCHEMA: Final = pa.schema(
    [
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("page", pa.int32()),
        pa.field("title", pa.string(), nullable=False),
        pa.field("heading", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("zone", pa.string(), nullable=False),
        pa.field("groups", pa.list_(pa.string()), nullable=False),
        pa.field("event_time", pa.int64()),
        pa.field("known_from", pa.int64(), nullable=False),
        pa.field("known_to", pa.int64(), nullable=False),
        pa.field("attributes", pa.string(), nullable=False),
    ]
)
"""One row a chunk; times in microseconds; `attributes` is canonical JSON of the document's
attributes, which become typed columns when a segment is built."""


DELIVERED_SCHEMA: Final = CHUNK_SCHEMA.append(pa.field("position", pa.string(), nullable=False))
"""Chunk rows as they come in: with the place in the file they were read from."""


def make_vector_schema(dim: int) -> pa.Schema:
    """Return the schema of a vector file: one row a chunk, in the order of its chunk file."""
    return pa.schema(
        [
            pa.field("chunk_id", pa.int64(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dim), nullable=False),
        ]
    )
