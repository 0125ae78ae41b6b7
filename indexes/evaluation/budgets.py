"""Budgets: how large a snapshot may be, and how long a search of it may take.

Figures are always told; they fail a snapshot only where a budget is set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from indexes.evaluation.reports import GateCheck

_ROUNDS: Final = 3
"""Times each question is asked; its least time counts, so that what else the machine does counts least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """What a snapshot may take; 0 for no budget.

    Attributes:
        max_row_bytes: bytes on disk for each row, all files of all segments together.
        max_search_ms: milliseconds that 95 of 100 hybrid searches stay below, questions not embedded.
    """

    max_row_bytes: int = 0
    max_search_ms: float = 0.0


def check_size(n_bytes: int, n_rows: int, *, budgets: Budgets) -> GateCheck:
    """Check the bytes a row takes.

    Args:
        n_bytes: of all files the snapshot needs.
        n_rows: of all segments.
        budgets: what is allowed.
    """
    row_bytes = round(n_bytes / max(1, n_rows), 1)
    is_within = not budgets.max_row_bytes or row_bytes <= budgets.max_row_bytes
    detail = f"{row_bytes} bytes a row"
    if not is_within:
        detail += f", more than EAGLERAY_GATE__MAX_ROW_BYTES={budgets.max_row_bytes}"
    return GateCheck(name="size", passed=is_within, detail=detail, figures={"row_bytes": row_bytes})


def check_latency(ask: Callable[[int], object], n_questions: int, *, budgets: Budgets) -> GateCheck:
    """Check how long searches take, where there is a budget; without one nothing is timed.

    Args:
        ask: asks question number `i`.
        n_questions: at least 1.
        budgets: what is allowed.
    """
    if not budgets.max_search_ms:
        return GateCheck(name="latency", passed=True, detail="no budget is set: EAGLERAY_GATE__MAX_SEARCH_MS")
    rounds = [_time_all(ask, n_questions) for _ in range(_ROUNDS)]
    taken = np.min(np.array(rounds), axis=0)
    p50, p95 = (round(float(np.quantile(taken, share)), 3) for share in (0.5, 0.95))
    is_within = p95 <= budgets.max_search_ms
    detail = f"95 of 100 hybrid searches take {p95} ms or less"
    if not is_within:
        detail += f", more than EAGLERAY_GATE__MAX_SEARCH_MS={budgets.max_search_ms}"
    figures: dict[str, int | float] = {"n_questions": n_questions, "p50_ms": p50, "p95_ms": p95}
    return GateCheck(name="latency", passed=is_within, detail=detail, figures=figures)


def _time_all(ask: Callable[[int], object], n_questions: int) -> Sequence[float]:
    """Return the milliseconds of each question."""
    taken = []
    for number in range(n_questions):
        started = time.perf_counter()
        ask(number)
        taken.append((time.perf_counter() - started) * 1000.0)
    return taken
