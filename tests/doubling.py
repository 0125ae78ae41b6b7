"""How processor time grows with the length of an input, on machines that do other things, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LINEAR = 7.0
"""Growth over an input four times as long that is still linear: it is 4, and 16 where time is quadratic."""


def measure_growth(work: Callable[[str], Any], make: Callable[[int], str], n: int, *, runs: int = 5) -> float:
    """Return processor time for `make(4 * n)` over that for `make(n)`, the best of some runs each."""
    short, long = make(n), make(4 * n)
    return _measure(work, long, runs) / max(_measure(work, short, runs), 1e-5)


def _measure(work: Callable[[str], Any], text: str, runs: int) -> float:
    best = float("inf")
    for _ in range(runs):
        started = time.thread_time()
        work(text)
        best = min(best, time.thread_time() - started)
    return best
