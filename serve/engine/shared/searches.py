"""Answers that several processes remember together, each by all that decides it.

Only an answer of a snapshot that is open here is taken from memory, so a snapshot that is gone has none;
errors are not remembered. What is remembered is found by the snapshot, the one whose entitlements rule it,
the rights of the caller, the whole request, and what computes.

The rows that a caller may see are decided by groups and zones alone (`indexes.masks.visibility`); the subject
plays no part in what an answer depends on. "Now" is what the snapshot knows and nothing has closed
(`indexes.masks.timelines`), so a request without a time is decided by the snapshot, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from eagleray.contracts.answers import read_response, show_response
from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.principals import ANONYMOUS, Principal
from eagleray.errors import DeadlineError
from serve.engine.alias_watcher import AliasState
from serve.engine.searching import SearchPort
from serve.engine.shared.cache import SharedCache
from serve.engine.shared.sealing import Sealer
from serve.engine.threads import Work, run_in_thread
from serve.tracing.spans import describe, span

RESULTS: Final = "result"
"""Kind of their names."""


def describe_rights(principal: Principal) -> str:
    """Return what decides which rows a caller may see: equal ones see the same rows."""
    zones = None if principal.zones is None else sorted(principal.zones)
    return repr((sorted(principal.groups), zones))


def describe_question(request: SearchRequest) -> str:
    """Return a request without its caller: every field, its type told apart, in the order it was given."""
    return repr(replace(request, principal=ANONYMOUS))


def write_answer(response: SearchResponse) -> bytes:
    """Return an answer as bytes, its scores to the bit."""
    return json.dumps(show_response(response, is_explained=True), separators=(",", ":")).encode()


def read_answer(data: bytes) -> SearchResponse:
    """Return the answer that `write_answer` has written."""
    return read_response(json.loads(data))


class SnapshotPoolPort(Protocol):
    """Knows the alias's snapshot, and which ones are open; see `AliasWatcher`."""

    @property
    def state(self) -> AliasState:
        """Where it stands with the alias."""
        ...

    @property
    def opened(self) -> Collection[str]:
        """Ids of the snapshots that are open."""
        ...


class RememberedSearches:
    """Implements `SearchPort` over another; runs in one event loop."""

    def __init__(
        self,
        searches: SearchPort,
        cache: SharedCache,
        sealer: Sealer,
        *,
        watcher: SnapshotPoolPort,
        basis: str,
        timeout_s: float,
    ) -> None:
        """Take the parts.

        Args:
            searches: answers what is not remembered.
            cache: holds the answers.
            sealer: makes their names.
            watcher: of the alias.
            basis: digest of what decides an answer beside snapshot and request: code, models, processor.
            timeout_s: seconds a search may take.
        """
        self._searches, self._cache, self._sealer = searches, cache, sealer
        self._watcher, self._basis, self._timeout_s = watcher, basis, timeout_s

    async def answer(
        self, request: SearchRequest, *, snapshot: AskedSnapshot | None = None, timeout_s: float | None = None
    ) -> SearchResponse:
        """Return the remembered answer, or a new one; see `Searches`.

        Raises:
            EagleRayError: as the searches below raise.
        """
        allowed_s = min(timeout_s or self._timeout_s, self._timeout_s)
        started = time.perf_counter()
        wanted = self._watcher.state.snapshot if snapshot is None else snapshot.snapshot
        if wanted in self._watcher.opened:
            found = await self._find(snapshot or ask_own(wanted), request, started)
            if found is not None:
                return found
        left_s = max(allowed_s - (time.perf_counter() - started), 1e-9)
        try:
            response = await self._searches.answer(request, snapshot=snapshot, timeout_s=left_s)
        except DeadlineError as error:
            raise DeadlineError(timeout_s=allowed_s) from error
        answered = snapshot or ask_own(response.explanation.snapshot)  # the alias may have moved meanwhile
        name = self._name(answered, request)
        self._cache.keep(name, partial(write_answer, response))
        return response

    async def answer_all(
        self,
        requests: Sequence[SearchRequest],
        *,
        snapshot: AskedSnapshot | None = None,
        timeout_s: float | None = None,
    ) -> tuple[SearchResponse, ...]:
        """Return new answers, all of one snapshot; those of a batch are not remembered. See `Searches`.

        Raises:
            EagleRayError: as the searches below raise.
        """
        return await self._searches.answer_all(requests, snapshot=snapshot, timeout_s=timeout_s)

    async def _find(
        self, snapshot: AskedSnapshot, request: SearchRequest, started: float
    ) -> SearchResponse | None:
        with span("recall") as made:
            data = await self._cache.find(self._name(snapshot, request))
            if data is None:
                return None
            response = await run_in_thread(Work.SHARED, read_answer, data)
            describe(made, snapshot=snapshot.snapshot, n_hits=len(response.hits))
        timings = {"recall": round((time.perf_counter() - started) * 1000.0, 3)}
        explanation = replace(response.explanation, is_remembered=True, timings_ms=timings)
        return replace(response, explanation=explanation)

    def _name(self, snapshot: AskedSnapshot, request: SearchRequest) -> bytes:
        rights, question = describe_rights(request.principal), describe_question(request)
        return self._sealer.name(RESULTS, self._basis, repr(snapshot), rights, question)
