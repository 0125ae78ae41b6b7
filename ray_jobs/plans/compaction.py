"""Which small segments become one: neighbours in time, of one zone, embedded alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eagleray.contracts.manifests import SegmentManifest
from eagleray.digests import digest_json
from ray_jobs.plans.segments import estimate_memory

ROWS_FILE = "rows.arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPlan:
    """Segments that become one.

    Attributes:
        digests: of the segments, in time order; at least two.
        n_rows: rows of all of them.
    """

    zone: str
    digests: tuple[str, ...]
    n_rows: int

    @property
    def key(self) -> str:
        """Name of the task: the digest of what it joins."""
        return digest_json(list(self.digests))[:24]


def plan_compaction(
    segments: Sequence[tuple[str, SegmentManifest]], *, max_rows: int, max_memory_bytes: int
) -> tuple[CompactionPlan, ...]:
    """Return which segments become one, in time order; none where nothing would be gained.

    Args:
        segments: digest and manifest of each segment of a snapshot, in any order.
        max_rows: rows of one segment at most.
        max_memory_bytes: memory that building one may take.
    """
    groups: list[list[tuple[str, SegmentManifest]]] = []
    last: dict[str, list[tuple[str, SegmentManifest]]] = {}
    ordered = sorted(segments, key=lambda item: (item[1].first_known, item[1].last_known, item[0]))
    for digest, manifest in ordered:
        if not _fits([(digest, manifest)], max_rows, max_memory_bytes):
            continue
        alike = digest_json([manifest.zone, repr(manifest.embedder)])
        group = last.get(alike)
        if group is None or not _fits([*group, (digest, manifest)], max_rows, max_memory_bytes):
            group = last[alike] = []
            groups.append(group)
        group.append((digest, manifest))
    return tuple(
        CompactionPlan(
            zone=group[0][1].zone,
            digests=tuple(digest for digest, _ in group),
            n_rows=sum(manifest.n_rows for _, manifest in group),
        )
        for group in groups
        if len(group) > 1
    )


def _fits(group: Sequence[tuple[str, SegmentManifest]], max_rows: int, max_memory_bytes: int) -> bool:
    n_rows = sum(manifest.n_rows for _, manifest in group)
    n_bytes = sum(manifest.files[ROWS_FILE].size_bytes for _, manifest in group)
    return n_rows <= max_rows and estimate_memory(n_rows, n_bytes) <= max_memory_bytes
