"""Cuts documents into the chunk rows they come to, before it is known what the collection holds of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from eagleray.chunking.config import ChunkerConfig
from eagleray.chunking.documents import chunk_document
from eagleray.chunking.table import make_chunk_table
from eagleray.chunking.token_counters import HuggingFaceCounter
from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.manifests import ChunkerIdentity, CollectionSpec
from eagleray.contracts.ports import TokenCounter
from eagleray.contracts.sources import Origin
from eagleray.embedders import find_tokenizer
from eagleray.setting_groups.engine import EmbedderSettings


class DocumentChunker:
    """Cuts documents into chunk rows."""

    def __init__(self, counter: TokenCounter, *, chunker: ChunkerConfig, chunker_digest: str) -> None:
        self._counter = counter
        self._chunker, self._chunker_digest = chunker, chunker_digest

    def cut(self, document: Document) -> pa.Table | DeadLetter:
        """Return the rows of a document as `DELIVERED_SCHEMA`, or why it has none."""
        try:
            return make_rows(
                document,
                position=document.position,
                counter=self._counter,
                chunker=self._chunker,
                chunker_digest=self._chunker_digest,
            )
        except Exception as error:  # noqa: BLE001 - one document that cannot be cut must not end the run
            detail = f"it cannot be cut into chunks ({type(error).__name__})"
            origin = Origin(uri=document.source, position=document.position)
            return origin.reject(DeadLetterReason.PARSER_FAILED, detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkerFactory:
    """Opens what chunks documents, in a worker.

    Attributes:
        embedder: whose tokens chunks are measured in.
    """

    spec: CollectionSpec
    embedder: EmbedderSettings

    def __call__(self) -> DocumentChunker:
        """Return it, its tokenizer loaded."""
        return DocumentChunker(
            _load_counter(find_tokenizer(self.embedder)),
            chunker=choose_chunker(self.spec.chunker),
            chunker_digest=self.spec.chunker_digest,
        )


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


@lru_cache(maxsize=2)
def _load_counter(tokenizer: Path) -> HuggingFaceCounter:
    return HuggingFaceCounter(tokenizer)
