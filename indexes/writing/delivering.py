"""A delivered document as the chunk rows it comes to, before it is known what the collection holds of it."""

from __future__ import annotations

import pyarrow as pa

from eagleray.chunking.config import ChunkerConfig
from eagleray.chunking.documents import chunk_document
from eagleray.chunking.table import make_chunk_table
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import Document
from eagleray.contracts.manifests import ChunkerIdentity
from eagleray.contracts.ports import TokenCounter


def make_rows(
    document: Document,
    *,
    position: str,
    counter: TokenCounter,
    chunker: ChunkerConfig,
    chunker_digest: str,
) -> pa.Table:
    """Return a document's rows as `DELIVERED_SCHEMA`.

    Args:
        document: what is cut.
        position: where it was read within its source.
        counter: the embedder's tokens.
        chunker: how long chunks are.
        chunker_digest: of the chunker's identity; part of every chunk's id.
    """
    chunks = chunk_document(document, counter=counter, config=chunker)
    table = make_chunk_table(document, chunks, chunker_digest=chunker_digest)
    positions = pa.array([position] * table.num_rows, pa.string())
    return table.append_column(DELIVERED_SCHEMA.field("position"), positions)


def choose_chunker(identity: ChunkerIdentity) -> ChunkerConfig:
    """Return the lengths that a collection's chunks have."""
    return ChunkerConfig(
        max_tokens=identity.max_tokens,
        target_tokens=identity.target_tokens,
        overlap_tokens=identity.overlap_tokens,
    )
