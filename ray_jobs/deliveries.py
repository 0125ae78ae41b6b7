"""How rows come into a run: read and embedded from documents, or taken with their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Store
from eagleray.documents.mapping import Mapping as FieldMapping
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.setting_groups.parsing import ParsingSettings
from indexes.exchange.import_source import ImportSource
from indexes.exchange.imported_rows import find_declared_texts
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.embed import ChunkFile, EmbedOutcome, make_embed_stage
from ray_jobs.stages.ingest import IngestConfig, IngestOutcome, make_ingest_stage
from ray_jobs.stages.take_in import Intake, ShardSizes, make_take_in_stage
from ray_jobs.stages.take_vectors import make_take_vectors_stage


class Delivery(Protocol):
    """The two stages of a run that depend on where its rows come from."""

    @property
    def url(self) -> str:
        """Of the source, for errors."""
        ...

    @property
    def texts(self) -> frozenset[str]:
        """Attributes whose text is never a time, because somebody declared them strings."""
        ...

    @property
    def joins_rows(self) -> bool:
        """Whether rows say which version of a document they are part of."""
        ...

    def make_ingest_stage(self, ledger: Ledger) -> StageSpec[Any, IngestOutcome]:
        """Return the first stage, which reads."""
        ...

    def make_embed_stage(
        self, ledger: Ledger, chunks: Sequence[ChunkFile], ingested: Sequence[IngestOutcome]
    ) -> StageSpec[ChunkFile, EmbedOutcome]:
        """Return the stage that gives chunks their vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDelivery:
    """Documents of a source, to be parsed, chunked and embedded.

    Attributes:
        source: where the source's files lie.
        config: how they are read and chunked.
    """

    source: Store
    config: IngestConfig
    joins_rows: bool = False

    @property
    def url(self) -> str:
        """Of the source."""
        return self.source.url

    @property
    def texts(self) -> frozenset[str]:
        """Those of the mapping."""
        return _list_texts(self.config.mapping)

    def make_ingest_stage(self, ledger: Ledger) -> StageSpec[Any, IngestOutcome]:
        """Return the stage that parses and chunks."""
        return make_ingest_stage(ledger, self.source, self.config)

    def make_embed_stage(
        self,
        ledger: Ledger,
        chunks: Sequence[ChunkFile],
        ingested: Sequence[IngestOutcome],  # noqa: ARG002 - the text is enough
    ) -> StageSpec[ChunkFile, EmbedOutcome]:
        """Return the stage that embeds."""
        return make_embed_stage(ledger, chunks, settings=self.config.embedder)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorDelivery:
    """Rows that have vectors.

    Attributes:
        identity: what the vectors are recorded as.
        modified: path -> change time of the files, microseconds.
        parsing: limits of the processes that read the files.
        embedder: of the vectors' model.
    """

    source: ImportSource
    intake: Intake
    identity: EmbedderIdentity
    modified: dict[str, int]
    plan: RunPlan
    parsing: ParsingSettings
    embedder: EmbedderSettings

    @property
    def url(self) -> str:
        """Of the source."""
        return self.source.store.url

    @property
    def joins_rows(self) -> bool:
        """Whether they say their version."""
        return self.intake.decoder.has_versions

    @property
    def texts(self) -> frozenset[str]:
        """Those of the mapping, or of the columns."""
        mapping = self.intake.decoder.mapping
        return find_declared_texts(self.source.schema) if mapping is None else _list_texts(mapping)

    def make_ingest_stage(self, ledger: Ledger) -> StageSpec[Any, IngestOutcome]:
        """Return the stage that reads rows and vectors."""
        sizes = ShardSizes(n_shards=self.plan.n_shards, max_file_bytes=self.plan.sizes.file_bytes)
        return make_take_in_stage(
            ledger,
            self.source,
            intake=self.intake,
            sizes=sizes,
            modified=self.modified,
            parsing=self.parsing,
        )

    def make_embed_stage(
        self, ledger: Ledger, chunks: Sequence[ChunkFile], ingested: Sequence[IngestOutcome]
    ) -> StageSpec[ChunkFile, EmbedOutcome]:
        """Return the stage that finds the vectors of chunks."""
        files = [path for item in ingested for path in item.vectors or ()]
        return make_take_vectors_stage(
            ledger, chunks, files=files, identity=self.identity, settings=self.embedder
        )


def _list_texts(mapping: FieldMapping) -> frozenset[str]:
    return frozenset(rule.name for rule in mapping.attributes if rule.type is AttributeType.STRING)
