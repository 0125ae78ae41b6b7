"""Some segments of a snapshot, and what a question may find there, step by step.

A shard keeps masks, and what looks for a question's rows while the question itself is held; so any shard with
the same segments can answer the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.errors import ShardError
from indexes.searching.channels import Rows
from indexes.searching.pools import Pool
from indexes.searching.ranking import Ranked
from indexes.searching.ruled import Ruled
from indexes.searching.segment_threads import IN_TURN, SegmentThreads
from indexes.searching.targets import Scope, Target, TargetFinder

if TYPE_CHECKING:
    from indexes.searching.sharded.steps import Opened, ShardQuestion

Answer = TypeVar("Answer")
AnswerOut = TypeVar("AnswerOut", covariant=True)


class Step(Protocol[AnswerOut]):
    """What a shard is asked once; it and its answer can be pickled."""

    @property
    def snapshot(self) -> str:
        """Id of the snapshot the question is put to."""
        ...

    def take(self, held: HeldSegments) -> AnswerOut:
        """Return what is asked, of the segments at hand."""
        ...


class HeldSegments:
    """Segments of a snapshot, each with its number there."""

    def __init__(
        self,
        numbers: Sequence[int],
        finder: TargetFinder,
        *,
        threads: SegmentThreads = IN_TURN,
    ) -> None:
        """Take the segments.

        Args:
            numbers: of the segments, in the snapshot's order.
            finder: of the rows that questions may find in these segments.
            threads: that go through the segments.
        """
        self.numbers = tuple(numbers)
        self._numbers = np.array(numbers, dtype=np.int64)
        self.finder, self.threads = finder, threads
        self._places = {number: place for place, number in enumerate(numbers)}
        self._is_alike = all(number == place for number, place in self._places.items())
        self._opened: WeakKeyDictionary[ShardQuestion, Opened] = WeakKeyDictionary()

    def find(self, scope: Scope) -> tuple[Target, ...]:
        """Return one target a segment; see `TargetFinder`."""
        return self.finder.find(scope)

    def open(self, asked: ShardQuestion) -> Opened:
        """Return what looks for a question's rows: made once for as long as the question is held."""
        opened = self._opened.get(asked)
        if opened is None:
            opened = self._opened[asked] = asked.open(self)
        return opened

    def name_parts(self, pool: Pool) -> Pool:
        """Return a pool whose parts are places among these segments with parts that are their numbers."""
        if self._is_alike:
            return pool
        rows = Rows(parts=self._numbers[pool.rows.parts], rows=pool.rows.rows)
        return replace(pool, rows=rows)

    def place_parts(self, ranked: Sequence[Ranked]) -> Sequence[Ranked]:
        """Return rows whose parts are segments' numbers with parts that are their places here."""
        if self._is_alike:
            return ranked
        return [replace(item, part=self._places[item.part]) for item in ranked]


class Shard:
    """Answers the steps of questions to one snapshot on some of its segments; threads may share it."""

    def __init__(
        self,
        snapshot: str,
        held: HeldSegments,
        *,
        entitle: Callable[[AskedSnapshot], HeldSegments] | None = None,
    ) -> None:
        """Take the segments.

        Args:
            snapshot: id of the snapshot.
            held: some of its segments.
            entitle: returns them as another state of the collection lets them be read; `None` where the
                snapshot is not asked so.
        """
        self._snapshot, self._held = snapshot, held
        make = None if entitle is None else lambda asked: Shard(snapshot, entitle(asked))
        self._ruled: Ruled[Shard] = Ruled(snapshot, make)

    @property
    def snapshot(self) -> str:
        """Id of the snapshot."""
        return self._snapshot

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of its segments in the snapshot."""
        return self._held.numbers

    def under(self, asked: AskedSnapshot) -> Shard:
        """Return what answers by the entitlements that rule the snapshot; itself for its own."""
        return self._ruled.find(self, asked)

    def close(self) -> None:
        """End the threads that go through the segments."""
        self._held.threads.close()

    def answer(self, step: Step[Answer]) -> Answer:
        """Return what a step asks.

        Raises:
            ShardError: the step is of a question to another snapshot.
            FilterError: the filter's `matches` looks where it cannot, or for nothing.
            GuardError: a row outside the mask is wanted.
        """
        if step.snapshot != self._snapshot:
            detail = f"it holds snapshot {self._snapshot[:12]}, asked is {step.snapshot[:12]}"
            raise ShardError(segments=list(self._held.numbers), detail=detail)
        return step.take(self._held)
