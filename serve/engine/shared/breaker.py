"""Whether something that may fail is asked at all: after a failure it is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum


class BreakerState(StrEnum):
    """`closed` lets calls through, `open` none, `trying` has let one through to see."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


class Breaker:
    """Opens at the first failure; lets one call through when the pause is over. Runs in one event loop."""

    def __init__(self, *, pause_s: float, now: Callable[[], float] = time.monotonic) -> None:
        """Take the pause.

        Args:
            pause_s: seconds without a call after a failure.
            now: returns seconds.
        """
        self._pause_s, self._now = pause_s, now
        self._state, self._failed_at = BreakerState.CLOSED, 0.0

    @property
    def state(self) -> BreakerState:
        """Whether calls are let through."""
        return self._state

    def enter(self) -> bool:
        """Return whether a call may be made; it must be followed by one of the others."""
        if self._state is BreakerState.OPEN and self._now() - self._failed_at >= self._pause_s:
            self._state = BreakerState.TRYING
            return True
        return self._state is BreakerState.CLOSED

    def succeed(self) -> None:
        """Let calls through: one was answered."""
        self._state = BreakerState.CLOSED

    def fail(self) -> None:
        """Let none through from now on, for the length of the pause."""
        self._state, self._failed_at = BreakerState.OPEN, self._now()

    def withdraw(self) -> None:
        """Take back a call that nobody waits for any more: another may try."""
        if self._state is BreakerState.TRYING:
            self._state = BreakerState.OPEN
