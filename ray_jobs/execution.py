"""The only place that hands work to Ray Data: shards in, one small outcome a shard out.

A stage is a plain class called once a shard; here it becomes tasks or an actor pool. Payloads and outcomes
are JSON text, so no document ever passes through the driver.
"""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, TaskPoolStrategy

from eagleray.errors import EagleRayError, InputError

Task = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a stage may use.

    Attributes:
        workers: actors of one CPU each; 0 takes every CPU of the cluster.
        memory_bytes: memory each actor reserves of the cluster's.
        n_gpus: GPUs each actor holds, in parts of one.
        keeps_task: build the task once an actor, for tasks that load a model; else once a shard.
        no_progress_timeout_s: seconds without a finished shard after which the stage fails.
    """

    workers: int = 0
    memory_bytes: int = 256 << 20
    n_gpus: float = 0.0
    keeps_task: bool = False
    no_progress_timeout_s: float = 600.0


class _Shards:
    """Ray Data's side of a stage: builds the task once, then calls it a row.

    The project's own errors travel as values: an exception that crosses Ray arrives as text. Arrow
    allocates from the system, because its own pool keeps what one shard needed.
    """

    def __init__(self, make_task: Callable[[], Task]) -> None:
        pa.set_memory_pool(pa.system_memory_pool())
        self._task = make_task()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"outcome": json.dumps(self._task(json.loads(row["payload"]))), "error": b""}
        except EagleRayError as error:
            return {"outcome": "", "error": pickle.dumps(error)}


def _bind(make_task: Callable[[], Task]) -> type[_Shards]:
    """Return the actor's class with its task bound: arguments in the object store would hinder restarts."""

    class BoundShards(_Shards):
        def __init__(self) -> None:
            super().__init__(make_task)

    return BoundShards


def _run_once(row: dict[str, Any], *, make_task: Callable[[], Task]) -> dict[str, Any]:
    return _Shards(make_task)(row)


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


def run_shards(
    make_task: Callable[[], Task], payloads: Sequence[dict[str, Any]], *, resources: Resources
) -> Generator[dict[str, Any], None, None]:
    """Call a task on every payload, spread over the cluster; yield outcomes as they come.

    A caller that may stop before the end closes the generator while the cluster is there.

    Args:
        make_task: builds the task in each actor; must survive pickling.
        payloads: one a shard, values JSON can hold.
        resources: how many actors, and what each may use.

    Raises:
        EagleRayError: what the task raised, as it raised it; an `InputError` where there are too few GPUs.
    """
    if not payloads:
        return
    _configure(resources)
    rows = [{"payload": json.dumps(payload)} for payload in payloads]
    workers = min(count_workers(resources.workers, n_gpus=resources.n_gpus), len(rows))
    blocks = ray.data.from_items(rows, override_num_blocks=len(rows))
    if resources.keeps_task:
        dataset = blocks.map(
            _bind(make_task),  # type: ignore[arg-type]  # a class is called once an actor, then a row
            compute=ActorPoolStrategy(size=workers),
            num_cpus=1,
            num_gpus=resources.n_gpus or None,
            memory=resources.memory_bytes,
        )
    else:
        dataset = blocks.map(
            _run_once,  # type: ignore[arg-type]  # fn_kwargs fills the rest
            fn_kwargs={"make_task": make_task},
            compute=TaskPoolStrategy(size=workers),
            num_cpus=1,
            num_gpus=resources.n_gpus or None,
            memory=resources.memory_bytes,
        )
    # Closed here and now: left to the garbage collector, it would call Ray after its cluster has
    # gone, which starts or waits for another one, for minutes.
    rows_found: Any = iter(dataset.iter_rows())  # a generator, though typed as an iterator
    with closing(rows_found) as found:
        for row in found:
            if row["error"]:
                raise pickle.loads(row["error"])  # noqa: S301 - our own worker wrote it
            yield json.loads(row["outcome"])


def _configure(resources: Resources) -> None:
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = False
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = resources.no_progress_timeout_s
