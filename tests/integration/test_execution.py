from __future__ import annotations

import gc
from dataclasses import dataclass

import pytest

from eagleray.errors import StoreError
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.item_counts import add_up
from ray_jobs.stage_spec import StageSpec
from tests.integration.cut_runs import CUT, NOTES, ingest, write_lines

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    key: str


LIMITS = WorkerLimits(n_workers=2)
PAYLOADS = tuple(Number(key=str(number)) for number in range(6))


def run(make_task, on_progress=lambda stage, done, total: None, **more):
    spec = StageSpec(name="toy", payloads=PAYLOADS, make_task=make_task, outcome=Number, **more)
    return run_stage(spec, ledger=None, limits=LIMITS, on_progress=on_progress)


def make_echo():
    return lambda payload: payload


def make_failing():
    from eagleray.errors import StoreError

    def fail(payload):
        if payload.key == "3":
            raise StoreError(path="notes/a", detail="the disk is gone")
        return payload

    return fail


@pytest.fixture
def closed(cluster, monkeypatch):
    """Count the executions of Ray Data that were closed; one left open calls Ray at its end."""
    gc.collect()  # what earlier tests left is closed now, not while this one counts
    executor = pytest.importorskip("ray.data._internal.execution.streaming_executor").StreamingExecutor
    close, seen = executor.shutdown, set()

    def note_and_close(self, *arguments, **options):
        seen.add(id(self))
        return close(self, *arguments, **options)

    monkeypatch.setattr(executor, "shutdown", note_and_close)
    return seen


@pytest.mark.parametrize("keeps_task", [False, True])
def test_an_error_of_a_task_comes_as_raised_and_closes_the_execution(closed, keeps_task):
    with pytest.raises(StoreError, match="notes/a: the disk is gone") as caught:
        run(make_failing, keeps_task=keeps_task)
    assert caught.value.path == "notes/a"
    assert len(closed) == 1, "it would be closed when nobody holds the error any more, maybe after Ray"


def test_an_execution_that_is_left_early_leaves_nothing(closed):
    def leave(stage, done, total):
        raise LookupError(stage, done, total)

    with pytest.raises(LookupError) as caught:
        run(make_echo, leave)
    assert caught.value.args == ("toy", 1, 6)
    assert len(closed) == 1


def test_outcomes_come_in_the_order_of_the_payloads(cluster):
    assert run(make_echo) == list(PAYLOADS)


def test_a_run_whose_progress_cannot_be_told_leaves_nothing(closed, settings, tmp_path):
    folder = write_lines(tmp_path / "desk" / "notes.jsonl", NOTES)

    def fail(stage, done, total):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError) as caught:
        ingest(settings.model_copy(update={"jobs": CUT}), folder, fail)
    assert caught.tb is not None
    assert len(closed) == 1


class Listening:
    """Takes progress as a terminal does."""

    def __init__(self):
        self.items, self.shards = [], []

    def __call__(self, stage, done, total):
        self.shards.append(done)

    def tell_items(self, stage, total, n_items):
        self.items.append((stage, total, n_items))


def make_slow():
    import time

    from eagleray.models.item_progress import tell_done

    def work(payload):
        tell_done(5)
        time.sleep(1.5)
        tell_done(2)
        return payload

    return work


@pytest.mark.parametrize("keeps_task", [False, True])
def test_what_unfinished_shards_have_done_is_told_to_who_wants_it_and_leaves_nothing(cluster, keeps_task):
    listening = Listening()
    run(make_slow, listening, keeps_task=keeps_task)
    assert listening.items[0] == ("toy", 6, 0)
    told = [n_items for _, _, n_items in listening.items]
    assert told == sorted(told)
    assert any(0 < n_items < 7 * len(PAYLOADS) for n_items in told), told
    assert listening.shards == [1, 2, 3, 4, 5, 6]
    assert add_up() == 0
