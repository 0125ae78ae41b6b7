"""Under which state a named snapshot may have been answered: the alias moves while requests are under way."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from benchmarks.differential_oracle import Oracle
from benchmarks.http_world import HttpWorld, State

if TYPE_CHECKING:
    from benchmarks.differential_world import Row

SLACK_S: Final = 2.0
"""Seconds within which a server has followed the alias."""

_NOBODY: Final = frozenset({"nobody holds this group"})


@dataclass(slots=True, kw_only=True)
class Rulings:
    """The publications that stood, from when on.

    Attributes:
        moves: monotonic seconds, and the snapshots that stood from then on, oldest first.
    """

    moves: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    _made: dict[tuple[str, str, bool], State] = field(default_factory=dict)

    def note(self, standing: tuple[str, ...]) -> None:
        """Note what stands now."""
        if not self.moves or self.moves[-1][1] != standing:
            self.moves.append((time.monotonic(), standing))

    def find(self, began: float) -> list[tuple[str, ...]]:
        """Return what stood at some moment from shortly before a request began until now."""
        latest = max((place for place, (at, _) in enumerate(self.moves) if at <= began - SLACK_S), default=0)
        return [standing for _, standing in self.moves[latest:]]

    def rule(self, world: HttpWorld, standing: Sequence[str]) -> HttpWorld:
        """Return a world whose snapshots are read as the last of those that stand says."""
        states = {
            name: self._entitle(world, name, standing[-1], is_published=name in standing)
            for name in world.states
        }
        return replace(world, states=states)

    def _entitle(self, world: HttpWorld, name: str, newest: str, *, is_published: bool) -> State:
        key = (name, newest, is_published)
        if key not in self._made:
            now, own = world.states[newest].rows, world.states[name].rows
            rows = [_rule_row(row, now.get(row.chunk_id), is_published=is_published) for row in own.values()]
            self._made[key] = State(
                snapshot=name, rows={row.chunk_id: row for row in rows}, oracle=Oracle(rows)
            )
        return self._made[key]


def _rule_row(row: Row, now: Row | None, *, is_published: bool) -> Row:
    if now is not None:
        return replace(row, groups=now.groups)
    return replace(row, groups=_NOBODY) if is_published else row
