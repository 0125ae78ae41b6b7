"""What a run builds on: the snapshot of an alias, and how far that holds each source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.contracts.sources import Position, Source, StreamMove
from eagleray.errors import ConflictError
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.catalog import load_snapshot
from indexes.snapshots.positions import Positions, read_positions, write_positions
from indexes.snapshots.streams import read_stream_position
from ray_jobs.pipeline import Run
from ray_jobs.plans.runs import RunPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBase:
    """What a run builds on: the snapshot of an alias, if there is one, and what is kept with it."""

    manifest: SnapshotManifest | None
    positions: Positions

    @property
    def snapshot(self) -> str | None:
        """Its id."""
        return self.manifest.snapshot_id if self.manifest else None

    @property
    def n_rows(self) -> int:
        """Rows in its segments."""
        return self.manifest.n_rows if self.manifest else 0

    def find_position(self, source: Source[Any, Any]) -> Position:
        """Return how far the snapshot holds a source."""
        if source.is_stream:
            return read_stream_position(self.manifest, source.name)
        return self.positions.get(source.name, {})


def find_base(store: Store, collection: str, alias: str) -> RunBase:
    """Return what a run builds on that publishes to an alias; an empty one stands for `live`."""
    entry = read_alias(Collection(store, collection), alias or "live")
    parent = entry.snapshot if entry else None
    manifest = load_snapshot(Collection(store, collection), parent) if parent else None
    return RunBase(manifest=manifest, positions=read_positions(Collection(store, collection), parent))


def find_move(source: Source[Any, Any], base: RunBase, plan: RunPlan) -> StreamMove | None:
    """Return how a run moves its source; `None` where that is no stream."""
    if not source.is_stream:
        return None
    return StreamMove(stream=source.name, expected=base.find_position(source), position=plan.position)


def keep_positions(run: Run, before: Positions, alias: str, onto: str | None, snapshot: str) -> None:
    """Keep with a snapshot how far its sources were read; the position of a stream is in its manifest.

    Raises:
        ConflictError: another run of the same source came between.
    """
    source, collection = run.plan.source, run.spec.name
    standing = before if onto == run.plan.parent else read_positions(Collection(run.store, collection), onto)
    if run.move is not None:
        write_positions(Collection(run.store, collection), snapshot, positions=standing)
        return
    if standing.get(source) != before.get(source):
        raise ConflictError(alias=alias, expected=f"{source} as this run found it", found="another run of it")
    positions = {**standing, source: dict(run.plan.position)}
    write_positions(Collection(run.store, collection), snapshot, positions=positions)
