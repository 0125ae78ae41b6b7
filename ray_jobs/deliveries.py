"""How rows come into a run: read and embedded from documents, or taken with their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.contracts.ports import Store
from eagleray.documents.mapping import Mapping as FieldMapping
from eagleray.settings import Settings
from indexes.exchange.import_source import ImportSource
from indexes.exchange.imported_rows import find_declared_texts
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stages.making import make_embed, make_ingest, make_take_in, make_take_vectors
from ray_jobs.stages.take_in import Intake

Outcome = dict[str, Any]


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

    def list_pieces(self) -> list[Outcome]:
        """Return the payloads of the first stage."""
        ...

    def make_ingest(self, ledger: Ledger) -> Any:
        """Return what makes the first stage's task."""
        ...

    def make_embed(self, ledger: Ledger, ingested: Sequence[Outcome]) -> Any:
        """Return what makes the task that gives chunks their vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDelivery:
    """Documents of a source, to be parsed, chunked and embedded.

    Attributes:
        source: where the source's files lie.
        mapping: what makes documents of records.
    """

    source: Store
    mapping: FieldMapping
    plan: RunPlan
    spec: CollectionSpec
    settings: Settings
    joins_rows: bool = False

    @property
    def url(self) -> str:
        """Of the source."""
        return self.source.url

    @property
    def texts(self) -> frozenset[str]:
        """Those of the mapping."""
        return _list_texts(self.mapping)

    def list_pieces(self) -> list[Outcome]:
        """Return one payload a partition."""
        return [
            {
                "key": part.key,
                "pieces": [
                    {
                        "path": piece.file.path,
                        "size": piece.file.size_bytes,
                        "modified": piece.file.modified,
                        "start": piece.start,
                        "end": piece.end,
                    }
                    for piece in part.pieces
                ],
            }
            for part in self.plan.partitions
        ]

    def make_ingest(self, ledger: Ledger) -> Any:
        """Return what makes the task that parses and chunks."""
        return partial(
            make_ingest,
            ledger,
            self.source,
            mapping=self.mapping,
            plan=self.plan,
            spec=self.spec,
            settings=self.settings,
        )

    def make_embed(self, ledger: Ledger, ingested: Sequence[Outcome]) -> Any:  # noqa: ARG002 - the text is enough
        """Return what makes the task that embeds."""
        return partial(make_embed, ledger, settings=self.settings.embedder)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorDelivery:
    """Rows that have vectors.

    Attributes:
        identity: what the vectors are recorded as.
        modified: path -> change time of the files, microseconds.
    """

    source: ImportSource
    intake: Intake
    identity: EmbedderIdentity
    modified: dict[str, int]
    plan: RunPlan
    settings: Settings

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

    def list_pieces(self) -> list[Outcome]:
        """Return one payload a piece."""
        return [
            {"key": f"{piece.path}@{piece.group}", "piece": asdict(piece)} for piece in self.source.pieces
        ]

    def make_ingest(self, ledger: Ledger) -> Any:
        """Return what makes the task that reads rows and vectors."""
        return partial(
            make_take_in,
            ledger,
            source=self.source,
            intake=self.intake,
            plan=self.plan,
            modified=self.modified,
            settings=self.settings.parsing,
        )

    def make_embed(self, ledger: Ledger, ingested: Sequence[Outcome]) -> Any:
        """Return what makes the task that finds the vectors of chunks."""
        files = [path for item in ingested for path in item["vectors"]]
        return partial(
            make_take_vectors,
            ledger,
            files=files,
            identity=self.identity,
            settings=self.settings.embedder,
        )


def _list_texts(mapping: FieldMapping) -> frozenset[str]:
    return frozenset(rule.name for rule in mapping.attributes if rule.type is AttributeType.STRING)
