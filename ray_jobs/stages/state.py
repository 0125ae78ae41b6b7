"""State: what the parent snapshot holds, by shard, so that `arrange` can compare.

One task a parent segment writes its rows' ids, versions, times and groups, patches applied, as a
shard file; rows whose file was read again or is gone are marked `is_due`. For `relabel` it has texts, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from indexes.runs.markers import Stage
from indexes.segments.view import SegmentView
from indexes.snapshots.opened import open_snapshot_segment
from indexes.writing.held_rows import STATE_SCHEMA, list_held_rows
from ray_jobs.ledger import Ledger
from ray_jobs.plans.runs import RunPlan
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.shard_files import ShardWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSegment:
    """A segment of the parent snapshot."""

    digest: str

    @property
    def key(self) -> str:
        """Name of its shard of the stage."""
        return self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOutcome:
    """Paths of the shard files of a segment's rows."""

    files: tuple[str, ...]


class StateTask:
    """Writes the state files of segments of the parent snapshot.

    Args:
        ledger: of the run.
        plan: of the run, which has a parent.
        schema: of the rows.
        list_rows: lists those of an opened segment.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        plan: RunPlan,
        schema: pa.Schema,
        list_rows: Callable[[SegmentView], pa.Table],
    ) -> None:
        self._ledger, self._plan, self._schema, self._list_rows = ledger, plan, schema, list_rows

    def __call__(self, segment: HeldSegment) -> StateOutcome:
        """Write the state of a segment."""
        ledger, plan = self._ledger, self._plan
        parent = str(plan.parent)
        view = open_snapshot_segment(ledger.collection, parent, segment=segment.digest)
        writer = ShardWriter(
            ledger.store,
            lambda number: ledger.locate(Stage.STATE, segment.key, f"{number}.shards"),
            n_shards=plan.n_shards,
            schema=self._schema,
            max_bytes=plan.sizes.file_bytes,
        )
        writer.add(self._list_rows(view))
        return StateOutcome(files=tuple(writer.close()))


def make_state_stage(
    ledger: Ledger, segments: Iterable[str], *, plan: RunPlan, due: frozenset[str]
) -> StageSpec[HeldSegment, StateOutcome]:
    """Return the stage that lists what the parent snapshot holds in these segments.

    Args:
        ledger: of the run.
        segments: of the parent.
        plan: of the run.
        due: sources, as rows name them, that were read again or are gone.
    """
    parts = plan.position.keys() - plan.whole - plan.gone
    list_rows = partial(list_held_rows, due=due, unread=frozenset(f"{plan.source}/{part}" for part in parts))
    return StageSpec(
        name=Stage.STATE,
        payloads=tuple(HeldSegment(digest=digest) for digest in segments),
        make_task=partial(StateTask, ledger, plan=plan, schema=STATE_SCHEMA, list_rows=list_rows),
        outcome=StateOutcome,
    )
