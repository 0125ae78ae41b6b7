"""A run at work: what each of its stages needs to know, and what those before it have left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import CollectionSpec, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.services import OnProgress
from eagleray.contracts.sources import Source, StreamMove
from ray_jobs.dead_letters import Faults
from ray_jobs.deliveries import Delivery
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.plans.segments import SegmentPlan
from ray_jobs.stage_spec import O, P, StageSpec
from ray_jobs.stages.arrange import ArrangeOutcome
from ray_jobs.stages.build import BuiltSegment
from ray_jobs.stages.embed import EmbedOutcome
from ray_jobs.stages.enrich import DocumentFiles, EnrichOutcome
from ray_jobs.stages.ingest import IngestOutcome
from ray_jobs.stages.read_tally import ReadTally
from ray_jobs.stages.relabel import RelabelOutcome
from ray_jobs.stages.shard_files import ShardSizes
from ray_jobs.stages.state import StateOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every stage of a run needs to know.

    Attributes:
        open_source: opens what it reads; survives pickling and holds no secret.
        move: of the source where it is a stream, or `None`.
        delivery: how its rows come in.
        limits: how many workers it has.
        relabels: whether it gives versions there are new labels, and neither adds nor ends any.
        recalled: parts of the source that are read although they did not change.
        opens_documents: whether a mapping other than before may open documents to more callers.
        on_read: takes what was read, and what stages after that have set aside; may end the run.
    """

    plan: RunPlan
    spec: CollectionSpec
    store: Store
    open_source: Callable[[], Source[Any, Any]]
    delivery: Delivery
    move: StreamMove | None
    limits: WorkerLimits
    on_progress: OnProgress
    on_read: Callable[[Sequence[ReadTally], Sequence[Faults]], None]
    relabels: bool = False
    recalled: frozenset[str] = frozenset()
    opens_documents: bool = False

    @property
    def ledger(self) -> Ledger:
        """The run's ledger."""
        return Ledger(Collection(self.store, self.spec.name), run_id=self.plan.run_id)

    @property
    def shard_sizes(self) -> ShardSizes:
        """How rows are spread over shard files."""
        return ShardSizes(n_shards=self.plan.n_shards, max_file_bytes=self.plan.sizes.file_bytes)

    def do(self, stage: StageSpec[P, O]) -> tuple[O, ...]:
        """Run a stage and return its outcomes in the order of its payloads."""
        outcomes = run_stage(stage, ledger=self.ledger, limits=self.limits, on_progress=self.on_progress)
        return tuple(outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What a run made.

    Attributes:
        manifest: the new snapshot, or `None` where nothing changed.
        counts: documents read, versions added, superseded, removed, dead letters, …
        unread: parts of the source that have to be read, too: the run made nothing.
        left: parts with documents that were not relabelled.
        listed: some of these documents, and why.
    """

    manifest: SnapshotManifest | None
    counts: dict[str, int]
    unread: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    listed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What the stages of a run have left so far; each adds its own.

    Attributes:
        documents: those that enrichers have left, not chunked yet.
        enriched: outcomes of the stages between reading and arranging.
        delivered: paths of the shard files of chunk rows.
        patch: digest of the patch to the rows there were, or `None`.
        segments: to be built.
        codebooks: zone -> digest, of zones that have segments with inverted lists.
        rewritten: digest of a segment of the parent -> that of the one in its place, or `None` for none.
    """

    ingested: tuple[IngestOutcome, ...] = ()
    documents: tuple[DocumentFiles, ...] = ()
    enriched: tuple[EnrichOutcome, ...] = ()
    delivered: tuple[str, ...] = ()
    states: tuple[StateOutcome, ...] = ()
    arranged: Sequence[ArrangeOutcome] = ()
    relabelled: tuple[RelabelOutcome, ...] = ()
    patch: str | None = None
    embedded: tuple[EmbedOutcome, ...] = ()
    segments: tuple[SegmentPlan, ...] = ()
    codebooks: Mapping[str, str] = field(default_factory=dict)
    built: tuple[BuiltSegment, ...] = ()
    rewritten: Mapping[str, str | None] = field(default_factory=dict)


Step = Callable[[Run, Outcomes], Outcomes]
"""Runs a stage on what those before it left, and adds its own outcomes."""


def count_changes(left: Outcomes) -> dict[str, int]:
    """Return kind of change -> how many there are, documents read and dead letters with them."""
    counts: Counter[str] = Counter()
    for item in left.ingested:
        counts.update(documents_read=item.n_documents, dead_letters=item.n_dead_letters)
    for done in left.enriched:
        counts.update(dead_letters=done.n_dead_letters)
    for shard in left.arranged:
        counts.update(shard.counts)
        counts.update(dead_letters=shard.n_dead_letters)
    return dict(counts)
