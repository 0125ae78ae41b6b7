"""Factories the workers call: from picklable values to a stage's task, models loaded on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from eagleray.chunking.counting import HuggingFaceCounter
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.contracts.ports import Store
from eagleray.documents.mapping import Mapping
from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.documents.parsing.tables import TableReader
from eagleray.embedders import find_tokenizer, load_embedder, open_embedder
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.settings import Settings
from indexes.exchange.import_source import ImportSource
from indexes.writing.delivering import choose_chunker
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stages.arrange import ArrangeTask
from ray_jobs.stages.build import BuildTask
from ray_jobs.stages.embed import EmbedTask
from ray_jobs.stages.ingest import IngestTask, Reading
from ray_jobs.stages.patch import PatchTask
from ray_jobs.stages.state import StateTask
from ray_jobs.stages.take_in import Intake, ShardSizes, TakeInTask
from ray_jobs.stages.take_vectors import TakeVectorsTask


def make_ingest(
    ledger: Ledger,
    source: Store,
    *,
    mapping: Mapping,
    plan: RunPlan,
    spec: CollectionSpec,
    settings: Settings,
) -> IngestTask:
    """Return the task of the ingest stage."""
    reading = Reading(
        source=plan.source,
        parsers=_open_parsers(settings.parsing),
        mapping=mapping,
        counter=_load_counter(find_tokenizer(settings.embedder)),
        chunker=choose_chunker(spec.chunker),
        chunker_digest=spec.chunker_digest,
        n_shards=plan.n_shards,
        max_record_bytes=settings.jobs.max_record_bytes,
        max_file_bytes=plan.sizes.file_bytes,
    )
    return IngestTask(ledger, source, reading)


def make_state(ledger: Ledger, *, plan: RunPlan, due: frozenset[str]) -> StateTask:
    """Return the task of the state stage; the plan has a parent."""
    return StateTask(
        ledger,
        snapshot=str(plan.parent),
        due=due,
        n_shards=plan.n_shards,
        max_file_bytes=plan.sizes.file_bytes,
    )


def make_arrange(
    ledger: Ledger,
    *,
    delivered: Sequence[str],
    states: Sequence[str],
    chunker_digest: str,
    now: int,
    joins_rows: bool,
) -> ArrangeTask:
    """Return the task of the arrange stage."""
    return ArrangeTask(
        ledger,
        delivered=delivered,
        states=states,
        chunker_digest=chunker_digest,
        now=now,
        joins_rows=joins_rows,
    )


def make_embed(ledger: Ledger, *, settings: EmbedderSettings) -> EmbedTask:
    """Return the task of the embed stage, its model loaded."""
    return EmbedTask(ledger, load_embedder(settings))


def make_take_in(
    ledger: Ledger,
    *,
    source: ImportSource,
    intake: Intake,
    plan: RunPlan,
    modified: dict[str, int],
    settings: ParsingSettings,
) -> TakeInTask:
    """Return the task that reads rows with vectors, in the place of the ingest stage's."""
    sizes = ShardSizes(n_shards=plan.n_shards, max_file_bytes=plan.sizes.file_bytes)
    tables = TableReader(_open_parsers(settings))
    return TakeInTask(ledger, source, tables=tables, intake=intake, sizes=sizes, modified=modified)


def make_take_vectors(
    ledger: Ledger, *, files: Sequence[str], identity: EmbedderIdentity, settings: EmbedderSettings
) -> TakeVectorsTask:
    """Return the task that finds vectors that came with rows, in the place of the embed stage's."""
    return TakeVectorsTask(ledger, files, identity=identity, embedder=open_embedder(settings))


def make_build(ledger: Ledger, *, texts: frozenset[str], device: str) -> BuildTask:
    """Return the task of the build stage."""
    return BuildTask(ledger, texts=texts, device=device)


def make_patch(ledger: Ledger) -> PatchTask:
    """Return the task of the patch stage."""
    return PatchTask(ledger)


@lru_cache(maxsize=2)
def _open_parsers(settings: ParsingSettings) -> ParserPool:
    return ParserPool(choose_limits(settings))


@lru_cache(maxsize=2)
def _load_counter(tokenizer: Path) -> HuggingFaceCounter:
    return HuggingFaceCounter(tokenizer)
