"""A stage of a run as a frozen value: what it works on, what does the work, and what each worker takes.

`ray_jobs.execution.run_stage` carries it out; the stages of a run are in `ray_jobs.stages`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from eagleray.contracts.enrichment import WorkerResources
from ray_jobs.ledger import Ledger


class Payload(Protocol):
    """What one call of a stage's task works on; small and picklable."""

    @property
    def key(self) -> str:
        """Name within the stage, the same in every try of the run."""
        ...


P = TypeVar("P", bound=Payload)
O = TypeVar("O")  # noqa: E741 - an outcome


def _always(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec(Generic[P, O]):
    """One stage.

    Attributes:
        name: below which its markers lie, and under which its progress is told.
        payloads: one a shard.
        make_task: builds the task in a worker; survives pickling. A task writes its outputs before it
            returns, and writes the same ones when it is called again.
        outcome: class of what the task returns: a frozen dataclass of what JSON can hold.
        resources: of each worker.
        keeps_task: whether a task is built once a worker, as for one that loads a model; else once a shard.
        is_intact: whether what a recorded outcome names is still there; if not, the shard is done again.
    """

    name: str
    payloads: tuple[P, ...]
    make_task: Callable[[], Callable[[P], O]]
    outcome: type[O]
    resources: WorkerResources = field(default_factory=WorkerResources)
    keeps_task: bool = False
    is_intact: Callable[[O], bool] = _always

    def find_finished(self, ledger: Ledger | None) -> dict[str, O]:
        """Return the outcomes that earlier tries of the run recorded: key -> outcome."""
        found = ((payload.key, self.find_outcome(payload.key, ledger)) for payload in self.payloads)
        return {key: outcome for key, outcome in found if outcome is not None}

    def find_outcome(self, key: str, ledger: Ledger | None) -> O | None:
        """Return a shard's recorded outcome, or `None` where it is not finished or not intact."""
        outcome = None if ledger is None else ledger.find_outcome(self.name, key, self.outcome)
        return outcome if outcome is not None and self.is_intact(outcome) else None

    def finish(self, task: Callable[[P], O], payload: P, ledger: Ledger | None) -> O:
        """Return a shard's outcome: the recorded one, or what the task makes of it now, which is recorded."""
        outcome = self.find_outcome(payload.key, ledger)
        if outcome is None:
            outcome = task(payload)
            if ledger is not None:
                ledger.record(self.name, payload.key, outcome)
        return outcome
