"""The codebooks of a run: the one its zone has, or one trained anew, spread over the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import CollectionSpec
from eagleray.contracts.ports import FloatMatrix, Store
from indexes.dense.codebooks import Codebook
from indexes.dense.codes import make_lists, train_encoder
from indexes.dense.kmeans import Training, draw_first, train_centroids
from indexes.runs.markers import Stage
from indexes.segments.codebooks import load_codebook, put_codebook
from indexes.segments.opened_segment import load_segment_manifest
from indexes.segments.vectors import align_vectors
from indexes.snapshots.catalog import load_snapshot
from ray_jobs.ledger import Ledger
from ray_jobs.passes import Passes, spread_blocks
from ray_jobs.plans.segments import EmbeddedShard
from ray_jobs.plans.training import IndexRules, TrainingPlan, is_sampled
from ray_jobs.stages.shard_files import read_parquet

_ENCODER_ROWS: Final = 8_192
"""Rows an encoder is trained on, which the driver holds for a moment: 12 MB at 384 numbers a row. Each of its
tables has 16 entries, so more rows would not move them."""

MAX_PROBES: Final = 1_280
"""Probes of a codebook: 256 to learn from, so that a recall of .994 is told from one of .99, and 1,024 that
the gate measures with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOutcome:
    """Which codebook a zone's new segments use.

    Attributes:
        codebook: digest that names it.
        drift: how much farther from its centroids the new rows lie than those it was made from, on average.
        trained: whether it was made now.
    """

    codebook: str
    drift: float
    trained: bool


def find_codebooks(store: Store, spec: CollectionSpec, parent: str | None) -> dict[str, str]:
    """Return the codebook each zone's newest segment with lists has: zone -> digest."""
    found: dict[str, str] = {}
    for digest in load_snapshot(Collection(store, spec.name), parent).segments if parent else ():
        manifest = load_segment_manifest(Collection(store, spec.name), digest)
        if manifest.dense is not None:
            found[manifest.zone] = manifest.dense.codebook
    return found


class CodebookTrainer:
    """Decides on and trains the codebooks of a run, zone by zone; a relaunch finds what is done."""

    def __init__(self, ledger: Ledger, rules: IndexRules, *, workers: int, memory_bytes: int) -> None:
        self._ledger, self._rules = ledger, rules
        self._workers, self._memory_bytes = workers, memory_bytes

    def decide(
        self, plan: TrainingPlan, *, standing: str | None, probes: Sequence[tuple[str, str]]
    ) -> TrainOutcome:
        """Return which codebook a zone's new segments use, and how far its rows have drifted.

        Args:
            plan: of the zone.
            standing: digest of the zone's codebook so far, or `None`.
            probes: name and digest of each shard's probes.
        """
        ledger = self._ledger
        done = ledger.find_outcome(Stage.TRAIN, plan.zone, TrainOutcome)
        if done is not None:
            return done
        payloads = [SampledShard(shard=shard, zone=plan.zone, rate=plan.rate) for shard in plan.shards]
        reader = SampleReader(ledger.collection)
        with spread_blocks(
            reader,
            payloads,
            workers=self._workers,
            memory_bytes=self._memory_bytes,
            device=self._rules.device,
        ) as passes:
            outcome = self._keep(passes, standing) or self._train(passes, plan, probes)
        ledger.record(Stage.TRAIN, plan.zone, outcome)
        return outcome

    def _keep(self, passes: Passes, standing: str | None) -> TrainOutcome | None:
        """Return the standing codebook if it is of the wanted kind and the new rows still fit it."""
        if standing is None:
            return None
        codebook = load_codebook(self._ledger.collection, standing)
        partials = list(passes(codebook.centroids, None, 1.0))
        n_rows = sum(int(partial.counts.sum()) for partial in partials)
        error = sum(partial.error for partial in partials) / n_rows
        drift = codebook.measure_drift(error)
        if codebook.kind is not self._rules.kind or drift > self._rules.max_drift:
            return None
        return TrainOutcome(codebook=standing, drift=round(drift, 4), trained=False)

    def _train(self, passes: Passes, plan: TrainingPlan, probes: Sequence[tuple[str, str]]) -> TrainOutcome:
        training = Training(n_lists=plan.n_lists, balance=self._rules.balance)
        first = draw_first(passes.take(2 * plan.n_lists), training=training)
        trained = train_centroids(first, passes, training=training)
        sample: FloatMatrix = passes.take(_ENCODER_ROWS)
        codebook = Codebook(
            kind=self._rules.kind,
            centroids=trained.centroids,
            encoder=train_encoder(make_lists(trained.centroids), sample, kind=self._rules.kind),
            mean_error=trained.mean_error,
            probes=read_probes(self._ledger.store, probes, zone=plan.zone),
        )
        digest = put_codebook(self._ledger.collection, codebook)
        return TrainOutcome(codebook=digest, drift=1.0, trained=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledShard:
    """A shard of which some rows of one zone are sampled: `rate` of each 2^20."""

    shard: EmbeddedShard
    zone: str
    rate: int


class SampleReader:
    """Reads the sampled rows of a shard; survives pickling, so that it can run where the shard is."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __call__(self, payload: SampledShard) -> FloatMatrix:
        """Return the vectors of the sampled rows, by chunk_id: float32 [n, dim]."""
        rows = self._read("chunks", payload.shard.chunks)
        rows = rows.filter(pc.equal(rows["zone"], payload.zone)).select(["chunk_id"])
        chosen = [is_sampled(chunk_id, rate=payload.rate) for chunk_id in rows["chunk_id"].to_pylist()]
        rows = rows.filter(pa.array(chosen, pa.bool_())).sort_by("chunk_id")
        vectors = self._read("vectors", payload.shard.vectors)
        is_mine = pc.is_in(vectors["chunk_id"], value_set=rows["chunk_id"].combine_chunks())
        return align_vectors(rows, vectors.filter(is_mine))

    def _read(self, kind: str, digest: str) -> pa.Table:
        path = f"{self._collection.name}/{kind}/{digest}.parquet"
        return read_parquet(self._collection.store, path, digest=digest)


def read_probes(store: Store, paths: Sequence[tuple[str, str]], *, zone: str) -> FloatMatrix:
    """Return the probes of a zone, at most `MAX_PROBES`, spread over the shards: float32 [n, dim].

    Args:
        store: where they lie.
        paths: name and digest of each shard's probes.
        zone: of the codebook.
    """
    found = []
    for path, digest in paths:
        table = read_parquet(store, path, digest=digest)
        column = table.filter(pc.equal(table["zone"], zone))["vector"].combine_chunks()
        found.append(column.flatten().to_numpy().reshape(len(column), column.type.list_size))
    probes = np.concatenate(found)
    step = max(1, -(-len(probes) // MAX_PROBES))
    return np.ascontiguousarray(probes[::step], dtype=np.float32)
