"""What a served collection tells of itself beside its documents: snapshots, aliases and runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.times import format_micros
from indexes.inspecting import (
    CollectionMeasures,
    compare_snapshots,
    describe_alias,
    describe_aliases,
    describe_snapshot,
    describe_snapshots,
    measure_collection,
)
from indexes.runs.dead_letters import Letter, list_dead_letters
from indexes.runs.states import RunState, find_run, list_runs
from indexes.snapshots.catalog import load_collection

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Reads the store; each method may take as long as that does, so it is called in a thread.

    Any caller may see what `describe` returns; everything else counts all rows, hidden ones too.

    Attributes:
        collection: that is told of.
        alias: that is served.
        cache: folder for copies of segments of remote stores.
    """

    collection: Collection
    alias: str
    cache: Path

    def describe(self) -> Shown:
        """Return the model, the chunker and the served alias."""
        spec = load_collection(self.collection)
        model, chunker = spec.embedder, spec.chunker
        return {
            "name": self.collection.name,
            "alias": self.alias,
            "model": {"name": model.name, "dimension": model.dim, "max_tokens": model.max_tokens},
            "chunker": {
                "max_tokens": chunker.max_tokens,
                "target_tokens": chunker.target_tokens,
                "overlap_tokens": chunker.overlap_tokens,
            },
        }

    def measure(self) -> CollectionMeasures:
        """Return how large and how fresh the served snapshot is, and what its sources hold unread.

        Raises:
            NotPublishedError: the alias points to nothing.
        """
        return measure_collection(self.collection, self.alias)

    def list_snapshots(self, *, limit: int) -> list[Shown]:
        """Return the last snapshots, the newest first."""
        return describe_snapshots(self.collection, limit=limit)[::-1]

    def show_snapshot(self, name: str) -> Shown:
        """Return the manifest, aliases and gate report of the snapshot of an alias, an id or a part of one.

        Raises:
            NotPublishedError: there is none.
        """
        return describe_snapshot(self.collection, name)

    def compare(self, before: str, after: str) -> Shown:
        """Return what changed between two snapshots; reads both whole, which takes long.

        Raises:
            NotPublishedError: one of the two is not there.
        """
        return compare_snapshots(self.collection, before=before, after=after, cache=self.cache)

    def list_aliases(self) -> list[Shown]:
        """Return where each alias points."""
        return describe_aliases(self.collection)

    def show_alias(self, alias: str) -> Shown:
        """Return where an alias points, and its history.

        Raises:
            InputError: it is no alias name.
            NotPublishedError: there is no such alias.
        """
        return describe_alias(self.collection, alias)

    def list_runs(self, *, limit: int) -> list[Shown]:
        """Return the last runs, the newest first."""
        return [_show_run(state) for state in list_runs(self.collection, limit=limit)]

    def show_run(self, run: str) -> Shown:
        """Return where a run stands.

        Raises:
            NotPublishedError: there is no such run.
        """
        return _show_run(find_run(self.collection, run))

    def list_dead_letters(self, *, run: str) -> list[Letter]:
        """Return what a run set aside; of an empty `run`, what is still unread in the sources.

        Raises:
            NotPublishedError: there is no such run.
        """
        return list_dead_letters(self.collection, run=run)


def _show_run(state: RunState) -> Shown:
    stages = [
        {
            "stage": str(item.stage),
            "n_done": item.n_done,
            "first_at": format_micros(item.first_at),
            "last_at": format_micros(item.last_at),
        }
        for item in state.stages
    ]
    ended_at = None if state.ended_at is None else format_micros(state.ended_at)
    return {
        **asdict(state),
        "status": str(state.status),
        "started_at": format_micros(state.started_at),
        "ended_at": ended_at,
        "stages": stages,
    }
