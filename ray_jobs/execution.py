"""The only place that hands work to Ray Data: a stage's payloads in, one small outcome a payload out.

A stage's task is a plain class called once a shard; here it becomes tasks or an actor pool. Payloads and
outcomes are small values, so no document ever passes through the driver.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import pyarrow as pa
import ray
import ray.data
from ray import cloudpickle
from ray.data import ActorPoolStrategy, TaskPoolStrategy

from eagleray.contracts.services import OnProgress
from eagleray.errors import EagleRayError, InputError
from eagleray.models.item_progress import heard_by
from eagleray.setting_groups.engine import JobSettings
from ray_jobs.item_counts import ItemCounter, count_items
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import O, P, StageSpec

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """How many workers the stages of a job have, and what each may take.

    Attributes:
        n_workers: of one CPU each; 0 takes every CPU of the cluster.
        memory_bytes: memory each reserves of the cluster's.
        no_progress_timeout_s: seconds without a finished shard after which a stage fails.
    """

    n_workers: int = 0
    memory_bytes: int = 256 << 20
    no_progress_timeout_s: float = 600.0

    @classmethod
    def choose(cls, jobs: JobSettings) -> WorkerLimits:
        """Return the limits that these settings set."""
        return cls(
            n_workers=jobs.workers,
            memory_bytes=jobs.worker_memory_bytes,
            no_progress_timeout_s=jobs.no_progress_timeout_s,
        )


class Shared(Generic[T]):
    """A value that workers get by reference: what is pickled names it and holds nothing of it.

    So no plan, log or record of Ray's has settings with their secrets in it; the value passes from process to
    process in memory.
    """

    def __init__(self, value: T) -> None:
        self._value = value

    def __call__(self) -> T:
        """Return the value."""
        return self._value

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Fetch, (ray.put(self._value),))


class _Fetch(Generic[T]):
    """The worker's side of a shared value."""

    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def __call__(self) -> T:
        found: T = ray.get(self._reference)
        return found


class _Worker(Generic[P, O]):
    """Ray Data's side of a stage: builds the task once, then calls it a row.

    The project's own errors travel as values: an exception that crosses Ray arrives as text. Arrow
    allocates from the system, because its own pool keeps what one shard needed.
    """

    def __init__(self, spec: StageSpec[P, O], ledger: Ledger | None, counts: str = "") -> None:
        pa.set_memory_pool(pa.system_memory_pool())
        self._spec, self._ledger = spec, ledger
        self._count = ItemCounter(counts) if counts else None
        self._task = spec.make_task()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        payload: P = pickle.loads(row["payload"])  # noqa: S301 - the driver of this run wrote it
        try:
            outcome = self._finish(payload)
            return {"outcome": _dumps((payload.key, outcome)), "error": b""}
        except EagleRayError as error:
            return {"outcome": b"", "error": pickle.dumps(error)}

    def _finish(self, payload: P) -> O:
        if self._count is None:
            return self._spec.finish(self._task, payload, self._ledger)
        with heard_by(self._count):
            outcome = self._spec.finish(self._task, payload, self._ledger)
        self._count.write()
        return outcome


def _bind(spec: StageSpec[P, O], ledger: Ledger | None, counts: str) -> type[_Worker[P, O]]:
    """Return the actor's class with its stage bound: arguments in the object store would hinder restarts."""

    class BoundWorker(_Worker[P, O]):
        def __init__(self) -> None:
            super().__init__(spec, ledger, counts)

    return BoundWorker


def _run_once(
    row: dict[str, Any], *, spec: StageSpec[P, O], ledger: Ledger | None, counts: str
) -> dict[str, Any]:
    return _Worker(spec, ledger, counts)(row)


def count_workers(workers: int, *, n_gpus: float = 0.0) -> int:
    """Return `workers`, or the cluster's CPUs where it is 0; no more than its GPUs are enough for.

    Args:
        workers: wanted.
        n_gpus: GPUs each of them holds.

    Raises:
        InputError: they need GPUs, and the cluster has too few for one.
    """
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # ray has no types here
    wanted = workers or max(1, int(resources.get("CPU", 1)))
    if not n_gpus:
        return wanted
    allowed = int(resources.get("GPU", 0.0) / n_gpus)
    if not allowed:
        detail = f"a worker needs {n_gpus:g} GPU, the Ray cluster has {resources.get('GPU', 0.0):g}"
        hint = "add one, or set EAGLERAY_EMBEDDER__DEVICE and EAGLERAY_INDEX__DEVICE to cpu"
        raise InputError(detail=f"{detail}; {hint}")
    return min(wanted, allowed)


def run_stage(
    spec: StageSpec[P, O], *, ledger: Ledger | None, limits: WorkerLimits, on_progress: OnProgress
) -> list[O]:
    """Return a stage's outcomes in the order of its payloads; those in the ledger are not made again.

    Args:
        spec: what is done.
        ledger: of the run; `None` for a stage that leaves no markers.
        limits: of the job.
        on_progress: told after each shard.

    Raises:
        EagleRayError: what the task raised, as it raised it; an `InputError` where there are too few GPUs.
    """
    found = spec.find_finished(ledger)
    todo = tuple(payload for payload in spec.payloads if payload.key not in found)
    counting = count_items(spec.name, len(spec.payloads), on_progress) if todo else nullcontext("")
    with (
        counting as counts,
        closing(_run_shards(replace(spec, payloads=todo), ledger, limits, counts)) as outcomes,
    ):
        for key, outcome in outcomes:
            found[key] = outcome
            on_progress(spec.name, len(found), len(spec.payloads))
    return [found[payload.key] for payload in spec.payloads]


def _run_shards(
    spec: StageSpec[P, O], ledger: Ledger | None, limits: WorkerLimits, counts: str
) -> Generator[tuple[str, O], None, None]:
    """Call the task on every payload, spread over the cluster; yield keys and outcomes as they come.

    A caller that may stop before the end closes the generator while the cluster is there.
    """
    if not spec.payloads:
        return
    _configure(limits)
    rows = [{"payload": _dumps(payload)} for payload in spec.payloads]
    n_gpus = spec.resources.n_gpus
    workers = min(count_workers(limits.n_workers, n_gpus=n_gpus), len(rows))
    each = replace(spec, payloads=())
    blocks = ray.data.from_items(rows, override_num_blocks=len(rows))
    memory_bytes = spec.resources.memory_bytes
    spread = partial(
        blocks.map,
        num_cpus=1,
        num_gpus=n_gpus or None,
        memory=limits.memory_bytes if memory_bytes is None else memory_bytes,
    )
    if spec.keeps_task:
        dataset = spread(
            _bind(each, ledger, counts),  # type: ignore[arg-type]  # a class is called once an actor, then a row
            compute=ActorPoolStrategy(size=workers),
        )
    else:
        dataset = spread(
            _run_once,  # type: ignore[arg-type]  # fn_kwargs fills the rest
            fn_kwargs={"spec": each, "ledger": ledger, "counts": counts},
            compute=TaskPoolStrategy(size=workers),
        )
    # Closed here and now: left to the garbage collector, it would call Ray after its cluster has
    # gone, which starts or waits for another one, for minutes.
    rows_found: Any = iter(dataset.iter_rows())  # a generator, though typed as an iterator
    with closing(rows_found) as found:
        for row in found:
            if row["error"]:
                raise pickle.loads(row["error"])  # noqa: S301 - our own worker wrote it
            yield pickle.loads(row["outcome"])  # noqa: S301 - our own worker wrote it


def _dumps(value: object) -> bytes:
    """Return a value's bytes; classes of the driver's own script are in them."""
    found: bytes = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]  # ray has no types here
    return found


def _configure(limits: WorkerLimits) -> None:
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = False
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = limits.no_progress_timeout_s
