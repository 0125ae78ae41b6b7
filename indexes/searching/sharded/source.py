"""All shards of a snapshot as one source of rows: each is asked, what they find is merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TypeVar

import numpy as np

from eagleray.contracts.hits import Hit, SegmentExplanation
from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import ShardError
from indexes.lexical.bm25 import Statistics, merge_statistics
from indexes.searching.pools import Pool, merge_pools
from indexes.searching.ranking import Ranked
from indexes.searching.relevance_rules import RelevanceRule
from indexes.searching.sharded.ports import ShardPort, ask_all
from indexes.searching.sharded.shard import Step
from indexes.searching.sharded.steps import Look, Looked, Present, ReadTexts, ReadVectors, ShardQuestion

Item = TypeVar("Item")


class ShardedSource:
    """The rows that one question may find in the segments of all shards; see `Source`."""

    def __init__(
        self, snapshot: str, ports: Sequence[ShardPort], *, n_segments: int, asked: ShardQuestion
    ) -> None:
        """Take the question.

        Args:
            snapshot: id of the snapshot.
            ports: to its shards, which have all its segments and none twice.
            n_segments: of the snapshot.
            asked: of every segment.
        """
        self._snapshot, self._ports, self._numbers = snapshot, ports, list(range(n_segments))
        self._scope, self._asked = asked.scope, asked
        self._looked: list[Looked] = []
        self._owners: dict[int, ShardPort] = {}

    @property
    def n_channels(self) -> int:
        """Ways in which rows are scored."""
        return (self._asked.query is not None) + (self._asked.statistics is not None)

    @property
    def segments(self) -> tuple[SegmentExplanation, ...]:
        """What the last look did in each segment, in the snapshot's order."""
        done = sorted((pair for looked in self._looked for pair in looked.segments), key=itemgetter(0))
        return tuple(explained for _, explained in done)

    @property
    def statistics(self) -> Statistics:
        """What is known of the bodies of all visible rows."""
        if self._asked.statistics is not None:
            return self._asked.statistics[0]
        return merge_statistics(item.statistics for item in self._looked if item.statistics is not None)

    def look(self, n: int) -> Pool:
        """Return the `n` best rows of each channel; see `Source`.

        Raises:
            ShardError: a segment of the snapshot is with no shard, or with two.
        """
        step = Look(snapshot=self._snapshot, asked=self._asked, n=n)
        self._looked = ask_all(self._ports, step)
        pairs = zip(self._ports, self._looked, strict=True)
        held = [(number, port) for port, looked in pairs for number, _ in looked.segments]
        self._check_whole([number for number, _ in held])
        self._owners = dict(held)
        return merge_pools([looked.pool for looked in self._looked], n)

    def read_vectors(self, ranked: Sequence[Ranked]) -> FloatMatrix:
        """Return the vectors of some rows; see `Source`."""
        return np.stack(
            self._collect(
                ranked,
                lambda mine: ReadVectors(snapshot=self._snapshot, scope=self._scope, ranked=mine),
            )
        )

    def read_texts(self, ranked: Sequence[Ranked]) -> list[str]:
        """Return heading and text of some rows, as they were embedded.

        Raises:
            GuardError: one lies outside the mask; no text is given.
        """
        return self._collect(
            ranked, lambda mine: ReadTexts(snapshot=self._snapshot, scope=self._scope, ranked=mine)
        )

    def present(self, ranked: Sequence[Ranked], *, rule: RelevanceRule | None) -> list[Hit]:
        """Return the hits that rows stand for.

        Args:
            ranked: the rows.
            rule: by which they are judged; `None` where they are not.

        Raises:
            GuardError: one lies outside the mask; no hit is given.
        """
        asked, statistics = self._asked, self.statistics
        return self._collect(
            ranked,
            lambda mine: Present(
                snapshot=self._snapshot,
                scope=self._scope,
                mode=asked.mode,
                terms=asked.terms,
                statistics=statistics,
                ranked=mine,
                rule=rule,
            ),
        )

    def _collect(
        self, ranked: Sequence[Ranked], make: Callable[[tuple[Ranked, ...]], Step[Sequence[Item]]]
    ) -> list[Item]:
        """Return what the shards that have the rows answer for each, in the order of the rows."""
        if len(self._ports) == 1:
            return list(self._ports[0].answer(make(tuple(ranked))).result())
        pending = []
        for port in self._ports:
            places = [place for place, item in enumerate(ranked) if self._owners[item.part] is port]
            if places:
                pending.append((places, port.answer(make(tuple(ranked[place] for place in places)))))
        found: dict[int, Item] = {}
        for places, answer in pending:
            found.update(zip(places, answer.result(), strict=True))
        return [found[place] for place in range(len(ranked))]

    def _check_whole(self, numbers: Sequence[int]) -> None:
        if sorted(numbers) != self._numbers:
            missing = sorted(set(self._numbers) - set(numbers))
            twice = sorted({number for number in numbers if numbers.count(number) > 1})
            detail = f"{missing} are with no shard, {twice} with several"
            raise ShardError(segments=[*missing, *twice], detail=detail)
