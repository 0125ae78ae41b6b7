"""What any source must do, so that a run over it is complete, can be resumed, and leaks nothing."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import FrozenInstanceError, asdict
from itertools import islice

import pyarrow as pa
import pytest

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import RawRecord
from eagleray.digests import digest_json
from eagleray.setting_groups.engine import JobSettings
from tests.contract.sources.conftest import SECRET

N = 700
LARGE = 1 << 10


def send(value):
    """Return what another process gets of a value."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - pickled here


def open_again(desk):
    """Open the source as another process does."""
    return send(desk.make_factory())(desk.settings)


def read(source, plan):
    return [item for split in plan.splits for item in source.read(split)]


def show(item):
    """Return all of an item that must be the same in every reading."""
    if isinstance(item, DeadLetter):
        return asdict(item)
    vector = None if item.vector is None else item.vector.tobytes()
    return item.origin, item.modified, item.fields, item.elements, vector


def list_ids(items):
    return sorted(int(item.fields["_id"][1:]) for item in items)


@pytest.fixture
def source(desk):
    desk.write(N)
    return desk.make_factory()(desk.settings)


def test_every_record_comes_once_from_where_it_says(source):
    plan = source.plan({})
    items = read(source, plan)
    assert list_ids(items) == list(range(N))
    assert len({item.origin for item in items}) == N
    assert all(item.origin.uri.startswith(f"{source.name}/") and item.origin.position for item in items)
    assert len({split.key for split in plan.splits}) == len(plan.splits) > 3
    assert plan.size_bytes >= sum(split.size_bytes for split in plan.splits) > 0


def test_the_same_is_planned_and_read_the_same_by_whoever_opens_it(desk, source):
    plan, other = source.plan({}), open_again(desk)
    again = other.plan({})
    assert again == plan
    assert digest_json(dict(again.identity)) == digest_json(dict(plan.identity))
    assert list(map(show, read(other, again))) == list(map(show, read(source, plan)))


def test_plans_and_splits_are_frozen_and_survive_pickling(source):
    plan = source.plan({})
    assert send(plan) == plan
    with pytest.raises(FrozenInstanceError):
        plan.splits[0].key = "other"
    with pytest.raises(FrozenInstanceError):
        plan.splits = ()


def test_a_split_that_was_left_in_the_middle_is_read_again_elsewhere_and_gives_the_same(desk, source):
    plan = source.plan({})
    for split in plan.splits[:2]:
        whole = list(map(show, source.read(split)))
        reading = source.read(split)
        begun = list(map(show, islice(reading, 1 + len(whole) // 2)))
        reading.close()
        assert begun == whole[: len(begun)]
        resumed = open_again(desk).read(send(split))
        assert list(map(show, resumed)) == whole


def test_after_a_reading_that_was_cancelled_others_go_on(source):
    plan = source.plan({})
    for split in plan.splits[:2]:
        reading = source.read(split)
        next(reading)
        reading.close()
        assert list(reading) == []
    assert list_ids(read(source, plan)) == list(range(N))


def test_from_the_position_after_a_plan_only_what_is_new_is_read(desk, source):
    plan = source.plan({})
    after = source.position_after(plan)
    assert all(isinstance(mark, str) for mark in after.values())
    following = source.plan(send(dict(after)))
    if not desk.remembers:
        assert (following.gone, following.whole) == (frozenset(), frozenset())
        return
    assert (following.splits, following.gone) == ((), frozenset())
    desk.write(N + 10, desk="rates")
    changed = desk.make_factory()(desk.settings)
    assert list_ids(read(changed, changed.plan(after))) == list(range(N + 10))


def test_what_is_not_there_any_more_is_gone_once(desk, source):
    if not desk.remembers:
        pytest.skip("an import removes nothing that it lacks")
    before = source.position_after(source.plan({}))
    desk.store.delete(desk.names[1])
    plan = source.plan(before)
    assert (plan.gone, plan.splits) == (frozenset({desk.names[1]}), ())
    assert source.plan(source.position_after(plan)).gone == frozenset()


def test_where_the_schema_changes_every_record_is_a_dead_letter_and_none_an_error(desk, source):
    before = source.position_after(source.plan({}))
    desk.rename_text(100)
    changed = desk.make_factory()(desk.settings)
    items = read(changed, changed.plan(before))
    assert len(items) >= 100
    made = [desk.convert(item) if isinstance(item, RawRecord) else item for item in items]
    assert {type(item) for item in made} == {DeadLetter}
    assert {item.reason for item in made} <= {"missing_field", "empty_text", "wrong_type"}
    assert all(item.source.startswith("desk/") and item.position for item in made)


def test_memory_is_bounded_by_a_few_records_and_not_by_the_source(desk):
    jobs = JobSettings(partition_bytes=8 << 20)
    desk.settings = desk.settings.model_copy(update={"jobs": jobs})
    desk.write(3 * LARGE, padding="x" * 10_000)
    source = desk.make_factory()(desk.settings)
    splits = source.plan({}).splits
    list(source.read(splits[0]))
    tracemalloc.start()
    before, n_bytes, arrow = pa.total_allocated_bytes(), 0, 0
    for split in splits:
        for item in source.read(split):
            n_bytes += len(item.fields["padding"])
            arrow = max(arrow, pa.total_allocated_bytes() - before)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_bytes == 3 * LARGE * 10_000
    assert peak + arrow < n_bytes // 2


def test_no_secret_of_the_settings_is_in_what_leaves_the_process(desk, source, capfd):
    factory, plan = desk.make_factory(), source.plan({})
    items = read(source, plan)
    left = [pickle.dumps(factory), pickle.dumps(plan), pickle.dumps(items), source.uri.encode()]
    left += [repr(factory).encode(), repr(plan).encode(), str(dict(plan.identity)).encode()]
    left += [str(dict(source.position_after(plan))).encode(), "".join(capfd.readouterr()).encode()]
    assert [SECRET.encode() in data for data in left] == [False] * len(left)
