"""A run: everything its result depends on, and the name that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.digests import digest_json
from ray_jobs.plans.partitions import Partition, SourceFile, count_shards, plan_partitions
from ray_jobs.plans.training import IndexRules


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSizes:
    """What decides how work is cut and indexed; `JobSettings` says what each is."""

    partition_bytes: int
    shard_bytes: int
    max_segment_rows: int
    worker_memory_bytes: int
    index: IndexRules

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
        source: name of the source; documents are named `<source>/<path>` in rows.
        marks: path -> mark of every file of the source now: what the next run compares with.
        reread: paths of files that are new, changed, or were read by another mapping: what the
            partitions cover.
        gone: paths that were there at the parent snapshot and are not any more.
        n_shards: shards the documents are spread over.
    """

    run_id: str
    started_at: int
    source: str
    parent: str | None
    marks: Mapping[str, str]
    reread: frozenset[str]
    gone: frozenset[str]
    partitions: tuple[Partition, ...]
    n_shards: int
    sizes: RunSizes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """What is known before planning.

    Attributes:
        embedder: what computes the vectors of this run.
        n_held: rows of the parent snapshot.
        seen: path -> mark of the files the parent snapshot was built from.
        forced: paths to read again although their mark has not changed.
        closed: folders that cannot be opened now: their files are taken to be as they were.
        intake: of an import, what else decides its result; empty for an ingest.
    """

    spec: CollectionSpec
    embedder: EmbedderIdentity
    mapping_digest: str
    source: str
    parent: str | None
    files: tuple[SourceFile, ...]
    seen: Mapping[str, str]
    n_held: int = 0
    forced: frozenset[str] = frozenset()
    closed: tuple[str, ...] = ()
    intake: Mapping[str, str | bool] = field(default_factory=dict)


def mark_file(file: SourceFile, mapping_digest: str) -> str:
    """Return what changes whenever the documents of a file may have changed."""
    return f"{file.tag}+{mapping_digest[:16]}"


def plan_run(known: RunInput, *, sizes: RunSizes, started_at: int) -> RunPlan:
    """Plan a run; the same input gives the same `run_id`, so a relaunch finds its own ledger."""
    files = tuple(sorted(known.files, key=lambda file: file.path))
    below = tuple(f"{folder}/" for folder in known.closed)
    marks = {path: mark for path, mark in known.seen.items() if path.startswith(below)}
    marks |= {file.path: mark_file(file, known.mapping_digest) for file in files}
    reread = tuple(
        file for file in files if file.path in known.forced or known.seen.get(file.path) != marks[file.path]
    )
    identity = {
        "spec": asdict(known.spec),
        "embedder": asdict(known.embedder),
        "mapping": known.mapping_digest,
        "source": known.source,
        "parent": known.parent,
        "files": [[file.path, file.size_bytes, file.tag] for file in files],
        "reread": [file.path for file in reread],
        "sizes": asdict(sizes),
    }
    if known.intake:
        identity["intake"] = dict(known.intake)
    return RunPlan(
        run_id=digest_json(identity)[:16],
        started_at=started_at,
        source=known.source,
        parent=known.parent,
        marks=marks,
        reread=frozenset(file.path for file in reread),
        gone=frozenset(known.seen) - marks.keys(),
        partitions=plan_partitions(reread, partition_bytes=sizes.partition_bytes),
        n_shards=count_shards(reread, shard_bytes=sizes.shard_bytes, n_held=known.n_held),
        sizes=sizes,
    )


def plan_import(known: RunInput, *, sizes: RunSizes, started_at: int) -> RunPlan:
    """Plan a run that takes rows with vectors: it reads all of its files and closes nothing they lack."""
    plan = plan_run(replace(known, seen={}), sizes=sizes, started_at=started_at)
    none: frozenset[str] = frozenset()
    return replace(plan, marks=dict(known.seen), reread=none, gone=none, partitions=())
