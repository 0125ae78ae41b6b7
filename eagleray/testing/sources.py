"""What any source must do, so that a run over it is complete, can be resumed, and leaks nothing."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

import pyarrow as pa
import pytest

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import RawRecord, Source, SourceFactory, SourcePlan, Tombstone
from eagleray.digests import digest_json
from eagleray.settings import Settings

SECRET: Final = "planted-secret-1f8e"  # noqa: S105 - opens nothing
"""Stands in the settings that a desk's source is opened with, and must be found nowhere else."""

_N: Final = 700
_N_LARGE: Final = 3_000
_PADDING: Final = "x" * 10_000

Item = RawRecord | Tombstone | DeadLetter
T = TypeVar("T")


class SourceDesk(Protocol):
    """Notes in the place that a source reads, which a suite changes behind its back.

    Attributes:
        settings: that the source is opened with; `SECRET` is among them.
        remembers: whether the position says what was read, so that only what is new is read again.
    """

    settings: Settings
    remembers: bool

    def write(self, n: int, **fields: Any) -> None:
        """Put notes `_id` `n0`, `n1`, … with a `text` and more fields there, in place of those there were.

        At least four splits come of 700 of them, and large splits hold a few megabytes.
        """
        ...

    def rename_text(self, n: int) -> None:
        """Put notes there whose text is in a field of another name."""
        ...

    def remove_part(self) -> str:
        """Remove a part of the source, such as a file, and return its name."""
        ...

    def make_factory(self) -> SourceFactory:
        """Return what opens the place as a source."""
        ...

    def convert(self, record: RawRecord) -> object:
        """Return what a run makes of a record, or the dead letter that says why it makes nothing."""
        ...


class SourceContract:
    """A subclass gives the fixture `desk`, empty; one whose source remembers nothing skips two tests."""

    @pytest.fixture
    def source(self, desk: SourceDesk) -> Source[Any, Any]:
        """Return the source of a desk with 700 notes."""
        desk.write(_N)
        return _open(desk)

    def test_every_record_comes_once_from_where_it_says(self, source: Source[Any, Any]) -> None:
        plan = source.plan({})
        items = _read_all(source, plan)
        assert _list_ids(items) == list(range(_N))
        origins = {item.origin for item in items if isinstance(item, RawRecord)}
        assert len(origins) == _N
        assert all(origin.uri.startswith(f"{source.name}/") and origin.position for origin in origins)
        assert len({split.key for split in plan.splits}) == len(plan.splits) > 3
        assert plan.size_bytes >= sum(split.size_bytes for split in plan.splits) > 0

    def test_the_same_is_planned_and_read_the_same_by_whoever_opens_it(
        self, desk: SourceDesk, source: Source[Any, Any]
    ) -> None:
        plan, other = source.plan({}), _open_again(desk)
        again = other.plan({})
        assert again == plan
        assert digest_json(dict(again.identity)) == digest_json(dict(plan.identity))
        assert list(map(_show, _read_all(other, again))) == list(map(_show, _read_all(source, plan)))

    def test_plans_and_splits_are_frozen_and_survive_pickling(self, source: Source[Any, Any]) -> None:
        plan = source.plan({})
        assert _send(plan) == plan
        with pytest.raises(FrozenInstanceError):
            plan.splits[0].key = "other"
        with pytest.raises(FrozenInstanceError):
            plan.splits = ()

    def test_a_split_that_was_left_in_the_middle_is_read_again_elsewhere_and_gives_the_same(
        self, desk: SourceDesk, source: Source[Any, Any]
    ) -> None:
        for split in source.plan({}).splits[:2]:
            whole = list(map(_show, source.read(split)))
            reading = source.read(split)
            begun = list(map(_show, islice(reading, 1 + len(whole) // 2)))
            reading.close()
            assert begun == whole[: len(begun)]
            assert list(map(_show, _open_again(desk).read(_send(split)))) == whole

    def test_after_a_reading_that_was_cancelled_others_go_on(self, source: Source[Any, Any]) -> None:
        plan = source.plan({})
        for split in plan.splits[:2]:
            reading = source.read(split)
            next(reading)
            reading.close()
            assert list(reading) == []
        assert _list_ids(_read_all(source, plan)) == list(range(_N))

    def test_from_the_position_after_a_plan_only_what_is_new_is_read(
        self, desk: SourceDesk, source: Source[Any, Any]
    ) -> None:
        after = _send(dict(source.position_after(source.plan({}))))
        assert all(isinstance(mark, str) for mark in after.values())
        following = source.plan(after)
        assert following.gone == frozenset()
        if not desk.remembers:
            pytest.skip("this source reads all of it each time")
        assert following.splits == ()
        desk.write(_N + 10, desk="rates")
        changed = _open(desk)
        assert _list_ids(_read_all(changed, changed.plan(after))) == list(range(_N + 10))

    def test_what_is_not_there_any_more_is_gone_once(
        self, desk: SourceDesk, source: Source[Any, Any]
    ) -> None:
        if not desk.remembers:
            pytest.skip("this source removes nothing that is not there")
        before = source.position_after(source.plan({}))
        removed = desk.remove_part()
        plan = source.plan(before)
        assert (plan.gone, plan.splits) == (frozenset({removed}), ())
        assert source.plan(source.position_after(plan)).gone == frozenset()

    def test_where_the_schema_changes_every_record_is_a_dead_letter_and_none_an_error(
        self, desk: SourceDesk, source: Source[Any, Any]
    ) -> None:
        before = source.position_after(source.plan({}))
        desk.rename_text(100)
        changed = _open(desk)
        items = _read_all(changed, changed.plan(before))
        assert len(items) >= 100
        letters = [desk.convert(item) if isinstance(item, RawRecord) else item for item in items]
        for letter in letters:
            assert isinstance(letter, DeadLetter)
            assert letter.reason in ("missing_field", "empty_text", "wrong_type")
            assert letter.source.startswith(f"{source.name}/")
            assert letter.position

    def test_memory_is_bounded_by_a_few_records_and_not_by_the_source(self, desk: SourceDesk) -> None:
        desk.write(_N_LARGE, padding=_PADDING)
        jobs = desk.settings.jobs.model_copy(update={"partition_bytes": 8 << 20})
        desk.settings = desk.settings.model_copy(update={"jobs": jobs})
        source = _open(desk)
        splits = source.plan({}).splits
        list(source.read(splits[0]))
        tracemalloc.start()
        before, n_bytes, arrow = pa.total_allocated_bytes(), 0, 0
        for split in splits:
            for item in source.read(split):
                n_bytes += len(item.fields["padding"]) if isinstance(item, RawRecord) else 0
                arrow = max(arrow, pa.total_allocated_bytes() - before)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert n_bytes == _N_LARGE * len(_PADDING)
        assert peak + arrow < n_bytes // 2

    def test_no_secret_of_the_settings_is_in_what_leaves_the_process(
        self, desk: SourceDesk, source: Source[Any, Any], capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert SECRET in _reveal(desk.settings), "plant the secret in the settings first"
        factory, plan = desk.make_factory(), source.plan({})
        after = source.position_after(plan)
        left: list[object] = [factory, plan, _read_all(source, plan), dict(after), source.uri]
        told = [*map(repr, left), str(dict(plan.identity)), "".join(capfd.readouterr())]
        assert not any(SECRET.encode() in pickle.dumps(value) for value in left)
        assert not any(SECRET in text for text in told)


def _open(desk: SourceDesk) -> Source[Any, Any]:
    return desk.make_factory()(desk.settings)


def _send(value: T) -> T:
    """Return what another process gets of a value."""
    sent: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - pickled here
    return sent


def _open_again(desk: SourceDesk) -> Source[Any, Any]:
    """Open the source as another process does."""
    return _send(desk.make_factory())(desk.settings)


def _read_all(source: Source[Any, Any], plan: SourcePlan[Any]) -> list[Item]:
    return [item for split in plan.splits for item in source.read(split)]


def _show(item: Item) -> tuple[object, ...]:
    """Return all of an item that must be the same in every reading."""
    if not isinstance(item, RawRecord):
        return tuple(asdict(item).items())
    vector = None if item.vector is None else item.vector.tobytes()
    return item.origin, item.modified, item.fields, item.elements, vector


def _list_ids(items: list[Item]) -> list[int]:
    return sorted(int(item.fields["_id"][1:]) for item in items if isinstance(item, RawRecord))


def _reveal(settings: Settings) -> list[object]:
    """Return every value of the settings, secrets as they are."""
    found: list[object] = []
    waiting: list[object] = [settings.model_dump()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        else:
            found.append(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
    return found
