"""Enrich: the documents of a split in, the same with an enricher's attributes out; one stage an enricher.

Batches are consecutive documents of one split, so what is together depends on input and settings alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.enrichment import Enricher
from eagleray.documents.enrichment import EnricherSpec, cut_batches, enrich_batch, open_enricher
from ray_jobs.dead_letters import Faults, TaskLetters
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.document_rows import DOCUMENT_SCHEMA, make_document_row, read_documents
from ray_jobs.stages.shard_files import ShardWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFiles:
    """The documents of a split.

    Attributes:
        key: of the split.
        files: paths, in the order of the documents.
    """

    key: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichOutcome:
    """What is left of a split's documents.

    Attributes:
        files: paths of what was written.
        faulty: sources, as rows name them, of documents that were set aside.
        n_dead_letters: documents that were set aside.
        faults: their sources -> reason -> how many there are.
    """

    files: tuple[str, ...]
    faulty: tuple[str, ...]
    n_dead_letters: int
    faults: Faults = field(default_factory=dict)


class EnrichTask:
    """Has an enricher look at the documents of splits.

    Args:
        ledger: of the run.
        enricher: opened.
        stage: name of its stage.
        max_file_bytes: memory of documents that become one file.
    """

    def __init__(self, ledger: Ledger, enricher: Enricher, *, stage: str, max_file_bytes: int) -> None:
        self._ledger, self._enricher = ledger, enricher
        self._stage, self._max_file_bytes = stage, max_file_bytes

    def __call__(self, payload: DocumentFiles) -> EnrichOutcome:
        """Enrich the documents of a split."""
        ledger, key = self._ledger, payload.key
        writer = ShardWriter(
            ledger.store,
            lambda number: ledger.locate(self._stage, key, f"documents.{number}.shards"),
            n_shards=1,
            schema=DOCUMENT_SCHEMA,
            max_bytes=self._max_file_bytes,
        )
        letters = TaskLetters()
        documents = read_documents(ledger.store, payload.files)
        for batch in cut_batches(documents, size=self._enricher.batch_size):
            for item in enrich_batch(self._enricher, batch):
                if isinstance(item, DeadLetter):
                    letters.add(item)
                else:
                    writer.add(make_document_row(item))
        letters.write(ledger, self._stage, key)
        return make_enrich_outcome(writer.close(), letters)


def make_enrich_outcome(files: Iterable[str], letters: TaskLetters) -> EnrichOutcome:
    """Return the outcome of a split of which these files and dead letters are left."""
    return EnrichOutcome(
        files=tuple(files),
        faulty=tuple(sorted(letters.faults)),
        n_dead_letters=letters.n,
        faults=letters.faults,
    )


def open_enrich_task(ledger: Ledger, spec: EnricherSpec, *, stage: str, max_file_bytes: int) -> EnrichTask:
    """Return the task, its enricher opened."""
    return EnrichTask(ledger, open_enricher(spec), stage=stage, max_file_bytes=max_file_bytes)


def make_enrich_stage(
    ledger: Ledger, spec: EnricherSpec, documents: Iterable[DocumentFiles], *, max_file_bytes: int
) -> StageSpec[DocumentFiles, EnrichOutcome]:
    """Return the stage of an enricher."""
    stage = f"enrich-{spec.name}"
    return StageSpec(
        name=stage,
        payloads=tuple(documents),
        make_task=partial(open_enrich_task, ledger, spec, stage=stage, max_file_bytes=max_file_bytes),
        outcome=EnrichOutcome,
        resources=spec.resources,
        keeps_task=True,
    )
