"""The two clocks of this package, passed in so that tests can turn them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityClock:
    """Tells the time.

    Attributes:
        now_s: seconds since the epoch; what expires is compared with it.
        elapsed_s: seconds since some moment, never set back; how old something is follows from it.
    """

    now_s: Callable[[], float] = time.time
    elapsed_s: Callable[[], float] = time.monotonic
