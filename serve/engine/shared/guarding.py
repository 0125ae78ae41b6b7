"""Asks something that may fail, in little time, and goes on without its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from eagleray.logs import get_logger
from serve.engine.shared.breaker import Breaker, BreakerState

Answer = TypeVar("Answer")

_log = get_logger()


class Guard:
    """Bounds each call in time, and makes none for a while after a failure; runs in one event loop."""

    def __init__(self, breaker: Breaker, *, timeout_s: float) -> None:
        """Take the bounds.

        Args:
            breaker: decides whether a call is made.
            timeout_s: seconds a call may take.
        """
        self._breaker, self._timeout_s = breaker, timeout_s
        self._n_answered, self._n_failed, self._n_left_out = 0, 0, 0

    @property
    def state(self) -> BreakerState:
        """Whether calls are made."""
        return self._breaker.state

    @property
    def n_answered(self) -> int:
        """Calls that were answered."""
        return self._n_answered

    @property
    def n_failed(self) -> int:
        """Calls that failed, or were not answered in time."""
        return self._n_failed

    @property
    def n_left_out(self) -> int:
        """Calls that were not made, because one had failed shortly before."""
        return self._n_left_out

    async def call(self, ask: Callable[[], Awaitable[Answer]], *, otherwise: Answer) -> Answer:
        """Return what `ask` gives, or `otherwise` where it fails or is not asked."""
        if not self._breaker.enter():
            self._n_left_out += 1
            return otherwise
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask()
        except asyncio.CancelledError:
            self._breaker.withdraw()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one goes on without; counted and logged
            if self._breaker.state is BreakerState.CLOSED:
                _log.warning("shared_store_left_alone", error=type(error).__name__)
            self._breaker.fail()
            self._n_failed += 1
            return otherwise
        self._breaker.succeed()
        self._n_answered += 1
        return answer
