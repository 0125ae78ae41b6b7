"""When a request is tried again: full jitter, a bound for one call, and a budget for all of them.

Source: Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015), "full jitter"; retry budgets,
    Beyer et al., Site Reliability Engineering (2016), chapter 21.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how late one call tries again.

    Attributes:
        max_attempts: requests of one call, the first with them; at least 1.
        base_s: bound in seconds of the first pause; each further bound is twice the one before.
        cap_s: greatest bound of a pause, in seconds.
    """

    max_attempts: int = 4
    base_s: float = 0.1
    cap_s: float = 5.0

    def choose_pause(self, n_failed: int, *, retry_after_s: float, draw: Callable[[], float]) -> float:
        """Return the seconds to wait.

        Args:
            n_failed: attempts so far, at least 1.
            retry_after_s: seconds the server asked for; 0 where it named none. The pause is never shorter.
            draw: gives numbers in [0, 1).
        """
        bound = min(self.cap_s, self.base_s * 2.0 ** (n_failed - 1))
        return retry_after_s + bound * draw()


class RetryBudget:
    """Keeps retries a small share of all calls, so that many clients do not hold a failing server down.

    It begins full. A retry takes 1 of it; a call that was answered gives a share back.
    """

    def __init__(self, *, size: float = 10.0, share: float = 0.1) -> None:
        self._left = self._size = size
        self._share = share
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry; return whether there was one."""
        with self._lock:
            if self._left < 1.0:
                return False
            self._left -= 1.0
            return True

    def give_back(self) -> None:
        """Give back a share of one retry, because a call was answered."""
        with self._lock:
            self._left = min(self._size, self._left + self._share)


def draw_number() -> float:
    """Return a number in [0, 1) by chance; it need not be hard to guess."""
    return random.random()  # noqa: S311 - spreads requests in time, protects nothing
