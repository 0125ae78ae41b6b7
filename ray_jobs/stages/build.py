"""Build: chunk and vector files of one zone in, one published segment out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.ports import FloatMatrix
from indexes.runs.markers import Stage
from indexes.segments.codebooks import load_codebook
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.vectors import align_vectors, stack_vectors
from ray_jobs.ledger import Ledger
from ray_jobs.plans.segments import SegmentPlan
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.embed import read_identity
from ray_jobs.stages.shard_files import read_parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSegment:
    """A segment to be built, and the digest of its codebook where it has inverted lists."""

    plan: SegmentPlan
    codebook: str | None

    @property
    def key(self) -> str:
        """Name of the segment's task within its run."""
        return self.plan.key


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSegment:
    """A published segment: its digest, its rows, and the types of their attributes."""

    segment: str
    n_rows: int
    attributes: AttributeTypes


class BuildTask:
    """Builds the segments of a run."""

    def __init__(self, ledger: Ledger, *, texts: Iterable[str], device: str) -> None:
        self._ledger = ledger
        self._texts, self._device = frozenset(texts), device

    def __call__(self, payload: PlannedSegment) -> BuiltSegment:
        """Build the rows of the plan's zone in the files of its parts."""
        ledger, zone, files = self._ledger, payload.plan.zone, payload.plan.parts
        with tempfile.TemporaryDirectory(prefix="eagleray-segment-") as scratch:
            parts = [self._read_rows(file.chunks, zone=zone) for file in files]
            embedder = read_identity(self._read("vectors", files[0].vectors))
            vectors = (
                self._read_vectors(file.vectors, rows) for file, rows in zip(files, parts, strict=True)
            )
            stacked = stack_vectors(vectors, Path(scratch) / "vectors")
            rows = pa.concat_tables(parts).combine_chunks()
            del parts
            folder = Path(scratch) / "segment"
            name = payload.codebook
            spec = SegmentSpec(
                zone=zone,
                embedder=embedder,
                texts=self._texts,
                codebook=load_codebook(ledger.collection, name) if name else None,
                device=self._device,
            )
            written = write_segment(rows, stacked, spec=spec, folder=folder)
            digest = publish_segment(ledger.collection, folder)
        return BuiltSegment(segment=digest, n_rows=rows.num_rows, attributes=written.attributes)

    def _read_rows(self, digest: str, *, zone: str) -> pa.Table:
        rows = self._read("chunks", digest)
        return rows.filter(pc.equal(rows["zone"], zone))

    def _read_vectors(self, digest: str, rows: pa.Table) -> FloatMatrix:
        """Return the vectors of these rows out of a vector file, which may hold those of other zones."""
        vectors = self._read("vectors", digest)
        is_mine = pc.is_in(vectors["chunk_id"], value_set=rows["chunk_id"].combine_chunks())
        return align_vectors(rows, vectors.filter(is_mine))

    def _read(self, kind: str, digest: str) -> pa.Table:
        path = f"{self._ledger.collection.name}/{kind}/{digest}.parquet"
        return read_parquet(self._ledger.store, path, digest=digest)


def make_build_stage(
    ledger: Ledger, segments: Iterable[PlannedSegment], *, texts: Iterable[str], device: str
) -> StageSpec[PlannedSegment, BuiltSegment]:
    """Return the stage that builds segments.

    Args:
        ledger: of the run.
        segments: to be built.
        texts: attributes whose text is never a time.
        device: that makes inverted lists; a worker holds a GPU where it is not `cpu` and a segment has some.
    """
    payloads = tuple(segments)
    return StageSpec(
        name=Stage.BUILD,
        payloads=payloads,
        make_task=partial(BuildTask, ledger, texts=texts, device=device),
        outcome=BuiltSegment,
        resources=WorkerResources(n_gpus=count_gpus(device, (item.codebook for item in payloads))),
    )


def count_gpus(device: str, codebooks: Iterable[str | None]) -> float:
    """Return how many GPUs a worker needs that makes segments: where any has inverted lists, one."""
    return float(device != "cpu" and any(codebooks))
