"""How rows come into a run: read and embedded from documents, or taken with their vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.documents.enrichment import EnricherSpec
from eagleray.documents.mapping import Mapping
from eagleray.setting_groups.engine import EmbedderSettings
from indexes.exchange.imported_rows import Decoder
from indexes.writing.document_chunker import ChunkerFactory
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.embed import ChunkFile, EmbedOutcome, make_embed_stage
from ray_jobs.stages.ingest import DocumentRowsFactory, IngestOutcome, MakeRows, WholeDocuments
from ray_jobs.stages.take_vectors import make_take_vectors_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrichment:
    """What happens to documents between parsing and chunking, and what then chunks them."""

    enrichers: tuple[EnricherSpec, ...]
    chunker: ChunkerFactory


class Delivery(Protocol):
    """What of a run depends on whether the records of its source bring vectors."""

    @property
    def mapping(self) -> Mapping | None:
        """What makes documents of records, whose fields are counted; `None` where no file names one."""
        ...

    @property
    def texts(self) -> frozenset[str]:
        """Attributes whose text is never a time, because somebody declared them strings."""
        ...

    @property
    def joins_rows(self) -> bool:
        """Whether rows say which version of a document they are part of."""
        ...

    @property
    def rows(self) -> Callable[[], MakeRows]:
        """What opens, in a worker, what makes rows of records: of documents where these are enriched."""
        ...

    @property
    def enrichment(self) -> Enrichment | None:
        """What enriches documents before they are chunked; `None` where nothing does."""
        ...

    def make_embed_stage(
        self, ledger: Ledger, chunks: Sequence[ChunkFile], ingested: Iterable[IngestOutcome]
    ) -> StageSpec[ChunkFile, EmbedOutcome]:
        """Return the stage that gives chunks their vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDelivery:
    """Documents, to be enriched, chunked and embedded.

    Attributes:
        mapping: what makes documents of records.
        chunker: opens what chunks documents.
        enrichers: in their order.
    """

    mapping: Mapping
    chunker: ChunkerFactory
    enrichers: tuple[EnricherSpec, ...] = ()
    joins_rows: bool = False

    @property
    def rows(self) -> Callable[[], MakeRows]:
        """What makes chunk rows, or leaves documents whole for the enrichers."""
        if self.enrichers:
            return WholeDocuments(mapping=self.mapping)
        return DocumentRowsFactory(mapping=self.mapping, chunker=self.chunker)

    @property
    def enrichment(self) -> Enrichment | None:
        """The enrichers, if there are any."""
        return Enrichment(enrichers=self.enrichers, chunker=self.chunker) if self.enrichers else None

    @property
    def texts(self) -> frozenset[str]:
        """Those of the mapping."""
        return list_declared_texts(self.mapping)

    def make_embed_stage(
        self,
        ledger: Ledger,
        chunks: Sequence[ChunkFile],
        ingested: Iterable[IngestOutcome],  # noqa: ARG002 - the text is enough
    ) -> StageSpec[ChunkFile, EmbedOutcome]:
        """Return the stage that embeds."""
        return make_embed_stage(ledger, chunks, embedder=self.chunker.embedder)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderFactory:
    """Gives the decoder of rows that come with vectors; it needs no opening."""

    decoder: Decoder

    def __call__(self) -> MakeRows:
        """Return what makes rows of records."""
        return self.decoder.decode


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorDelivery:
    """Rows that have vectors.

    Attributes:
        identity: what the vectors are recorded as.
        embedder: of the vectors' model.
        enrichment: none: nothing may change rows whose vectors are there.
    """

    rows: DecoderFactory
    texts: frozenset[str]
    identity: EmbedderIdentity
    embedder: EmbedderSettings
    enrichment: Enrichment | None = None

    @property
    def mapping(self) -> Mapping | None:
        """Of the columns of the rows."""
        return self.rows.decoder.mapping

    @property
    def joins_rows(self) -> bool:
        """Whether they say their version."""
        return self.rows.decoder.has_versions

    def make_embed_stage(
        self, ledger: Ledger, chunks: Sequence[ChunkFile], ingested: Iterable[IngestOutcome]
    ) -> StageSpec[ChunkFile, EmbedOutcome]:
        """Return the stage that finds the vectors of chunks."""
        files = [path for item in ingested for path in item.vectors or ()]
        return make_take_vectors_stage(
            ledger, chunks, files=files, identity=self.identity, embedder=self.embedder
        )


def list_declared_texts(mapping: Mapping) -> frozenset[str]:
    """Return the attributes that a mapping declares to be text."""
    return frozenset(rule.name for rule in mapping.attributes if rule.type is AttributeType.STRING)
