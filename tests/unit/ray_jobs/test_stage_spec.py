from __future__ import annotations

from dataclasses import dataclass

import pytest

from eagleray.contracts.collections import Collection
from indexes.storage import open_store
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    n: int


class Measure:
    def __init__(self):
        self.seen = []

    def __call__(self, page):
        self.seen.append(page.key)
        return Length(n=len(page.key))


PAGES = (Page(key="a"), Page(key="bb"))


@pytest.fixture
def ledger(tmp_path):
    return Ledger(Collection(open_store(tmp_path), "notes"), run_id="run")


def make_stage(**more):
    return StageSpec(name="measure", payloads=PAGES, make_task=Measure, outcome=Length, **more)


def test_a_shard_is_worked_on_once_and_its_outcome_is_found_by_the_next_try(ledger):
    task, stage = Measure(), make_stage()
    assert stage.find_finished(ledger) == {}
    assert [stage.finish(task, PAGES[0], ledger) for _ in range(2)] == [Length(n=1)] * 2
    assert task.seen == ["a"]
    assert make_stage().find_finished(ledger) == {"a": Length(n=1)}


def test_without_a_ledger_nothing_is_remembered():
    task, stage = Measure(), make_stage()
    assert [stage.finish(task, PAGES[1], None) for _ in range(2)] == [Length(n=2)] * 2
    assert (task.seen, stage.find_finished(None)) == (["bb", "bb"], {})


def test_a_shard_whose_outputs_are_gone_is_worked_on_again(ledger):
    task, stage = Measure(), make_stage(is_intact=lambda outcome: outcome.n > 1)
    for page in (*PAGES, *PAGES):
        stage.finish(task, page, ledger)
    assert task.seen == ["a", "bb", "a"]
    assert stage.find_finished(ledger) == {"bb": Length(n=2)}
