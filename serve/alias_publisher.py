"""Moves aliases of a served collection: through the gate, with a record before and after each move."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import AliasEntry, SnapshotManifest
from eagleray.contracts.ports import Store
from eagleray.errors import AuditError, ConflictError
from eagleray.logs import get_logger
from indexes.snapshots.aliases import read_alias, rollback
from indexes.snapshots.catalog import load_snapshot, resolve
from serve.audit.kinds.alias_moves import Change
from serve.audit.request_recorder import BegunRequest, ReplyEnding, RequestRecorder
from serve.engine.exclusive_worker import ExclusiveWorker
from serve.engine.ports import AliasWatcherPort
from serve.engine.threads import Work, run_in_thread

_TAKEN_S: Final = 10.0
"""Seconds an answer waits for the new snapshot to be the one that answers here."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Where an alias is after a change.

    Attributes:
        is_taken: whether new requests to this process get the alias's snapshot.
    """

    entry: AliasEntry
    is_taken: bool


class GatedMove(Protocol):
    """Runs the gate on a snapshot and moves an alias to it; see `indexes.gating.SnapshotGate.publish`."""

    def __call__(
        self, store: Store, manifest: SnapshotManifest, *, alias: str, expected: str | None, reason: str
    ) -> AliasEntry:
        """Return the move that the alias is at."""
        ...


class Publisher:
    """Carries out changes; runs in one event loop."""

    def __init__(
        self,
        collection: Collection,
        *,
        alias: str,
        watcher: AliasWatcherPort,
        exclusive: ExclusiveWorker,
        recorder: RequestRecorder,
        move: GatedMove,
    ) -> None:
        """Take the parts.

        Args:
            collection: whose aliases are moved.
            alias: that is served here.
            watcher: of that alias.
            exclusive: runs the gate.
            recorder: keeps each change; called in threads.
            move: runs the gate on a snapshot and moves an alias to it.
        """
        self._collection, self._alias, self._move = collection, alias, move
        self._watcher, self._exclusive, self._recorder = watcher, exclusive, recorder

    async def publish(self, change: Change) -> Moved:
        """Run the gate on a snapshot and point an alias to it; takes as long as the gate does.

        Raises:
            OverloadedError: another gate is at work here.
            AuditError: the change could not be recorded, so nothing was done.
            NotPublishedError: there is no such snapshot.
            GateError: the snapshot did not pass.
            ConflictError: the alias does not point to what was expected, or moved meanwhile.
        """
        entry = await self._exclusive.run(partial(self._carry_out, change, self._publish))
        return await self._follow(change.alias, entry)

    async def rollback(self, change: Change) -> Moved:
        """Point an alias back to the snapshot before; a gate at work does not hold it up.

        Raises:
            AuditError: the change could not be recorded, so nothing was done.
            NotPublishedError: there is nothing to go back to.
            ConflictError: the alias does not point to what was expected, or moved meanwhile.
        """
        entry = await run_in_thread(Work.CATALOG, self._carry_out, change, self._rollback)
        return await self._follow(change.alias, entry)

    async def _follow(self, alias: str, entry: AliasEntry) -> Moved:
        if alias == self._alias:
            await self._watcher.take(entry.snapshot, timeout_s=_TAKEN_S)
        return Moved(entry=entry, is_taken=self._watcher.state.snapshot == entry.snapshot)

    def _carry_out(self, change: Change, move: Callable[[Change], AliasEntry]) -> AliasEntry:
        """Make a move between its two records; what was moved is told, also where the second one fails."""
        begun = self._recorder.begin(change, request_id=change.request_id)
        try:
            entry = move(change)
        except Exception as error:
            self._record_end(change, begun, ReplyEnding(status=type(error).__name__))
            raise
        self._record_end(change, begun, ReplyEnding(reply=entry))
        return entry

    def _record_end(self, change: Change, begun: BegunRequest, ending: ReplyEnding) -> None:
        try:
            self._recorder.end(begun, ending, is_stored=True)
        except AuditError:
            _log.error("change_end_not_recorded", action=change.action, request_id=change.request_id)

    def _publish(self, change: Change) -> AliasEntry:
        current = read_alias(self._collection, change.alias)
        held = None if current is None else current.snapshot
        snapshot = resolve(self._collection, change.snapshot)
        if change.expected is not None and held not in (change.expected, snapshot):
            raise ConflictError(alias=change.alias, expected=change.expected, found=held)
        return self._move(
            self._collection.store,
            load_snapshot(self._collection, snapshot),
            alias=change.alias,
            expected=held if change.expected is None else change.expected,
            reason=f"publish {change.request_id}".strip(),
        )

    def _rollback(self, change: Change) -> AliasEntry:
        return rollback(
            self._collection,
            change.alias,
            run=change.request_id,
            now=time.time_ns() // 1000,
            expected=change.expected,
        )
