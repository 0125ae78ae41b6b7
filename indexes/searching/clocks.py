"""How long each step of a search takes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class StepClock:
    """Milliseconds by step."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """Keep the time since the step before under a step's name."""
        now = time.perf_counter()
        self.laps[step] = round((now - self._last) * 1000.0, 3)
        self._last = now
