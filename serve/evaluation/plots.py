"""Plots of a report as SVG: intervals, one a row, and the share of questions answered within a time.

Colours are those of the page that they stand in, by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 760
_NAME_WIDTH: Final = 250
_VALUE_WIDTH: Final = 150
_ROW_HEIGHT: Final = 24
_AXIS_HEIGHT: Final = 26
_MAX_NAME: Final = 36
_CURVE_HEIGHT: Final = 220
_CURVE_LEFT: Final = 46
_TICKS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedInterval:
    """A value with its interval.

    Attributes:
        name: of the row.
        value: where the mark is.
        low: begin of the bar; the value itself where there is no interval.
        high: its end.
        shown: what stands beside it.
        tone: class that colours it: empty, `better` or `worse`.
    """

    name: str
    value: float
    low: float
    high: float
    shown: str
    tone: str = ""


def plot_intervals(rows: Sequence[PlottedInterval], *, label: str, is_signed: bool = False) -> str:
    """Return a row for each interval, on an axis of shares or of differences of shares.

    Args:
        rows: from above.
        label: of the plot, for readers that do not see it.
        is_signed: whether the axis has 0 in its middle, and reaches as far as the rows do.
    """
    reach = max([0.01, *(max(abs(row.low), abs(row.high)) for row in rows)])
    least, most = (-reach, reach) if is_signed else (0.0, 1.0)
    bottom = _ROW_HEIGHT * len(rows)
    ticks = [least + (most - least) * at / _TICKS for at in range(_TICKS + 1)]
    lines = "".join(_draw_tick(_place(tick, least, most), bottom, _show(tick, is_signed)) for tick in ticks)
    marks = "".join(_draw_row(at, row, least, most) for at, row in enumerate(rows))
    return _frame(f"{lines}{marks}", height=bottom + _AXIS_HEIGHT, label=label)


def plot_times(seconds: Sequence[float], *, label: str) -> str:
    """Return the share of questions that were answered within a time, as a line that rises by steps.

    Args:
        seconds: of each question, at least one.
        label: of the plot, for readers that do not see it.
    """
    ordered = sorted(seconds)
    most, n = max(ordered[-1], 1e-6), len(ordered)
    right, bottom = _WIDTH - 34, _CURVE_HEIGHT
    points = [f"M{_CURVE_LEFT} {bottom}"]
    for at, value in _thin(ordered):
        x, y = _CURVE_LEFT + value / most * (right - _CURVE_LEFT), bottom * (1 - at / n) + 8 * at / n
        points.append(f"H{x:.1f}V{y:.1f}")
    ticks = "".join(
        f"<text x={_CURVE_LEFT + (right - _CURVE_LEFT) * at / _TICKS:.1f} y={bottom + 18} text-anchor=middle>"
        f"{_show_seconds(most * at / _TICKS)}</text>"
        for at in range(_TICKS + 1)
    )
    shares = "".join(
        f"<line class=grid x1={_CURVE_LEFT} x2={right} y1={y:.1f} y2={y:.1f} />"
        f"<text x={_CURVE_LEFT - 8} y={y + 4:.1f} text-anchor=end>{share:.0%}</text>"
        for share in (0.0, 0.5, 1.0)
        for y in [bottom * (1 - share) + 8 * share]
    )
    drawn = f"{shares}{ticks}<path class=curve d='{''.join(points)}' />"
    return _frame(drawn, height=bottom + _AXIS_HEIGHT, label=label)


def _thin(ordered: Sequence[float]) -> list[tuple[int, float]]:
    """Return how many questions took at most so long, for at most about 500 of the times."""
    step = max(1, len(ordered) // 500)
    places = [*range(step, len(ordered), step), len(ordered)]
    return [(place, ordered[place - 1]) for place in places]


def _draw_tick(x: float, bottom: int, shown: str) -> str:
    return (
        f"<line class=grid x1={x:.1f} x2={x:.1f} y1=0 y2={bottom} />"
        f"<text x={x:.1f} y={bottom + 17} text-anchor=middle>{shown}</text>"
    )


def _draw_row(at: int, row: PlottedInterval, least: float, most: float) -> str:
    y = at * _ROW_HEIGHT + _ROW_HEIGHT / 2
    low, high, value = (_place(number, least, most) for number in (row.low, row.high, row.value))
    name = row.name if len(row.name) <= _MAX_NAME else f"{row.name[: _MAX_NAME - 1]}\u2026"
    tone = f"mark {row.tone}".strip()
    return (
        f"<g class='{tone}'><title>{escape(row.name)}: {escape(row.shown)}</title>"
        f"<text x=0 y={y + 4:.1f}>{escape(name)}</text>"
        f"<line class=bar x1={low:.1f} x2={high:.1f} y1={y:.1f} y2={y:.1f} />"
        f"<circle cx={value:.1f} cy={y:.1f} r=4.5 />"
        f"<text x={_WIDTH} y={y + 4:.1f} text-anchor=end>{escape(row.shown)}</text></g>"
    )


def _place(value: float, least: float, most: float) -> float:
    share = (min(most, max(least, value)) - least) / (most - least)
    return _NAME_WIDTH + share * (_WIDTH - _NAME_WIDTH - _VALUE_WIDTH - 16)


def _show(value: float, is_signed: bool) -> str:
    return f"{value:+.3f}" if is_signed else f"{value:.2f}"


def _show_seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def _frame(drawn: str, *, height: int, label: str) -> str:
    return f"<svg viewBox='0 0 {_WIDTH} {height}' role=img aria-label='{escape(label)}'>{drawn}</svg>"
