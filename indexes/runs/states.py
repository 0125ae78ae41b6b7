"""Where runs stand: how far each stage came, and whether the run has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import StoredObject
from eagleray.errors import NotPublishedError
from indexes.runs.layout import PLAN, RUNS, is_run_name, locate_run
from indexes.runs.markers import RunMarkers, Stage


class RunStatus(StrEnum):
    """How a run stands; `open` is at work, or was killed before it could note its end."""

    OPEN = "open"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """How far a stage came.

    Attributes:
        stage: its name, one of `Stage` or that of an enricher's.
        n_done: shards that are finished.
        first_at: microseconds, by the store's clock, when the first of them was.
        last_at: when the last of them was.
    """

    stage: str
    n_done: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run stands. Times are microseconds.

    Attributes:
        source: name of what it reads.
        parent: snapshot it builds on, or `None`.
        error: type of the error that ended it, or empty.
        started_at: when it was first planned.
        ended_at: when it ended, or `None`.
        stages: those with finished shards, in the order of a run, then those of enrichers.
    """

    run: str
    source: str
    parent: str | None
    status: RunStatus
    error: str
    started_at: int
    ended_at: int | None
    stages: tuple[StageState, ...]


def list_runs(collection: Collection, *, limit: int) -> list[RunState]:
    """Return the collection's last runs, the newest first.

    Args:
        collection: where it lies.
        limit: runs at most.

    Raises:
        IntegrityError: a plan or an end is damaged.
    """
    below = f"{collection.name}/{RUNS}/"
    found: dict[str, list[StoredObject]] = {}
    for item in collection.store.list(below.rstrip("/")):
        found.setdefault(item.path.removeprefix(below).partition("/")[0], []).append(item)
    begun = {
        run: item.modified
        for run, items in found.items()
        for item in items
        if item.path == f"{below}{run}/{PLAN}"
    }
    newest = sorted(begun, key=lambda run: (-begun[run], run))[:limit]
    states = [_describe(RunMarkers(collection, run_id=run), found[run]) for run in newest]
    return [state for state in states if state is not None]


def find_run(collection: Collection, run: str) -> RunState:
    """Return where a run stands.

    Raises:
        NotPublishedError: there is no such run.
        IntegrityError: its plan or its end is damaged.
    """
    state = None
    if is_run_name(run):
        markers = RunMarkers(collection, run_id=run)
        state = _describe(markers, collection.store.list(locate_run(collection.name, run)))
    if state is None:
        raise NotPublishedError(name=run, detail="no run of that name was recorded")
    return state


def _describe(markers: RunMarkers, items: Iterable[StoredObject]) -> RunState | None:
    """Return a run's state; `None` where it has no plan, or none any more."""
    plan = markers.read_plan()
    if plan is None:
        return None
    end: dict[str, Any] = markers.read_end() or {}
    status = RunStatus.OPEN if not end else RunStatus.FAILED if end["error"] else RunStatus.ENDED
    return RunState(
        run=markers.run_id,
        source=plan["source"],
        parent=plan["parent"],
        status=status,
        error=end.get("error", ""),
        started_at=plan["started_at"],
        ended_at=end.get("ended_at"),
        stages=_count_stages(markers, items),
    )


def _count_stages(markers: RunMarkers, items: Iterable[StoredObject]) -> tuple[StageState, ...]:
    times: dict[str, list[int]] = {}
    for item in items:
        stage, _, name = item.path.removeprefix(f"{markers.folder}/").partition("/")
        if name.endswith(".json"):
            times.setdefault(stage, []).append(item.modified)
    return tuple(
        StageState(stage=stage, n_done=len(done), first_at=min(done), last_at=max(done))
        for stage in (*Stage, *sorted(times.keys() - set(Stage)))
        if (done := times.get(stage))
    )
