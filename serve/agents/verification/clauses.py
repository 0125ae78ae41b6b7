"""Which period each figure of a text is of: by `respectively`, else the nearest one in its clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from serve.agents.verification.figures import Figure, FigureUnit, find_figures
from serve.agents.verification.periods import Period, find_periods
from serve.agents.verification.wording import find_content, split_words

_BREAK: Final = re.compile(
    r";|,?\s(?:and|but|while|whereas|versus|vs\.?|compared (?:to|with)|against|up from|down from|from|to)\s",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"[,;]|\b(?:and|or|but|while|versus)\b")
_RESPECTIVELY: Final = re.compile(r"\brespectively\b|\brespective\b", re.IGNORECASE)


def associate(text: str) -> list[tuple[Figure, Period | None]]:
    """Return the figures of a text, each with its period; `None` where it has none."""
    periods = find_periods(text)
    figures = [
        figure
        for figure in find_figures(text)
        if not any(figure.start < period.end and period.start < figure.end for period in periods)
    ]
    amounts = [figure for figure in figures if figure.unit is not FigureUnit.YEAR]
    if _RESPECTIVELY.search(text) and len(amounts) >= 2 and len(amounts) == len(periods):
        return list(zip(amounts, _complete(periods), strict=True))
    return [(figure, _find_nearest(text, figure, _complete(periods))) for figure in amounts]


def find_contexts(text: str, figures: Sequence[Figure]) -> list[frozenset[str]]:
    """Return the stems of the words around each figure: from the figure before it to the end of its part."""
    ends = [0, *(figure.end for figure in figures)]
    starts = [*(figure.start for figure in figures), len(text)]
    found = []
    for place, figure in enumerate(figures):
        before, after = text[ends[place] : figure.start], text[figure.end : starts[place + 1]]
        found.append(find_content(split_words(f"{before} {_PART.split(after, maxsplit=1)[0]}")))
    return found


def _complete(periods: list[Period]) -> list[Period]:
    """Return periods, each without a year with that of the next one that has one: `June 30 and 31, 2019`."""
    completed, year = list[Period](), 0
    for period in reversed(periods):
        year = period.year or year
        completed.append(period if period.year or period.doubt else replace(period, year=year))
    return completed[::-1]


def _find_nearest(text: str, figure: Figure, periods: list[Period]) -> Period | None:
    """Return the period of a figure: the fewest breaks away, then the nearest, then the one after it."""
    if not periods:
        return None

    def measure(period: Period) -> tuple[int, int, int]:
        is_after = period.start >= figure.end
        left, right = (figure.end, period.start) if is_after else (period.end, figure.start)
        between = text[left : max(left, right)]
        return len(_BREAK.findall(between)), len(between), 0 if is_after else 1

    return min(periods, key=measure)
