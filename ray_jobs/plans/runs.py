"""A run: everything its result depends on, and the name that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.contracts.sources import Position, SourcePlan, Split
from eagleray.digests import digest_json
from eagleray.setting_groups.engine import IndexSettings, JobSettings
from ray_jobs.plans.shards import count_shards
from ray_jobs.plans.training import IndexRules


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSizes:
    """What decides how work is cut and indexed; `JobSettings` says what each is."""

    partition_bytes: int
    shard_bytes: int
    max_segment_rows: int
    worker_memory_bytes: int
    index: IndexRules

    @classmethod
    def choose(cls, jobs: JobSettings, index: IndexSettings) -> RunSizes:
        """Return what these settings decide."""
        return cls(
            partition_bytes=jobs.partition_bytes,
            shard_bytes=jobs.shard_bytes,
            max_segment_rows=jobs.max_segment_rows,
            worker_memory_bytes=jobs.worker_memory_bytes,
            index=IndexRules(
                kind=IndexKind(index.kind),
                min_rows=index.min_rows,
                n_lists=index.n_lists,
                balance=index.balance,
                max_drift=index.max_drift,
                device=index.device,
            ),
        )

    @property
    def file_bytes(self) -> int:
        """Memory of the rows that become one shard file: they exist about twice while it is written."""
        return self.worker_memory_bytes // 4

    @property
    def build_bytes(self) -> int:
        """Memory that building a segment may take; the rest is what earlier stages left in the worker."""
        return self.worker_memory_bytes // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What one run reads and makes.

    Attributes:
        run_id: digest of all that decides the result, except when the run began.
        started_at: when the run was first planned, microseconds; a resumed run keeps it.
        source: name of the source; a part of it is named `<source>/<part>` in rows.
        position: of the source after the run: what the next run goes on from.
        whole: parts that are read from beginning to end.
        gone: parts that were there at the parent snapshot and are not any more.
        splits: what is read.
        n_shards: shards the documents are spread over.
        mapping_digest: of all that makes documents of records.
        n_documents: open in the parent snapshot.
        is_remapped: whether the source was last read by another mapping.
        unchanged: parts that are read for that reason alone.
    """

    run_id: str
    started_at: int
    source: str
    parent: str | None
    position: Position
    whole: frozenset[str]
    gone: frozenset[str]
    splits: tuple[Split, ...]
    n_shards: int
    sizes: RunSizes
    mapping_digest: str = ""
    n_documents: int = 0
    is_remapped: bool = False
    unchanged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """What is known before planning.

    Attributes:
        embedder: what computes the vectors of this run.
        source: name of the source.
        reading: what is to be read of the source.
        position: of the source after that.
        n_held: rows of the parent snapshot.
        n_documents: open in it.
        is_remapped: whether the source was last read by another mapping.
        relabels: whether versions there are get new labels, and none is added or ended.
    """

    spec: CollectionSpec
    embedder: EmbedderIdentity
    mapping_digest: str
    source: str
    parent: str | None
    reading: SourcePlan[Split]
    position: Position
    n_held: int = 0
    n_documents: int = 0
    is_remapped: bool = False
    relabels: bool = False


def plan_run(known: RunInput, *, sizes: RunSizes, started_at: int) -> RunPlan:
    """Plan a run; the same input gives the same `run_id`, so a relaunch finds its own ledger."""
    reading = known.reading
    identity: dict[str, object] = {
        "spec": asdict(known.spec),
        "embedder": asdict(known.embedder),
        "mapping": known.mapping_digest,
        "source": known.source,
        "parent": known.parent,
        "sizes": asdict(sizes),
    }
    if known.relabels:
        identity["relabels"] = True
    taken = identity.keys() & reading.identity.keys()
    if taken:
        raise ValueError(f"the identity of a source's plan may not have the names {sorted(taken)}")
    return RunPlan(
        run_id=digest_json({**identity, **reading.identity})[:16],
        started_at=started_at,
        source=known.source,
        parent=known.parent,
        position=known.position,
        whole=reading.whole,
        gone=reading.gone,
        splits=reading.splits,
        n_shards=count_shards(reading.size_bytes, shard_bytes=sizes.shard_bytes, n_held=known.n_held),
        sizes=sizes,
        mapping_digest=known.mapping_digest,
        n_documents=known.n_documents,
        is_remapped=known.is_remapped,
        unchanged=reading.unchanged,
    )
