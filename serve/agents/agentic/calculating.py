"""Calculations over cells by their labels: exact, and shown as the verifier reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from eagleray.errors import QueryError
from serve.agents.agentic.evidence import CitedFigure, RunEvidence, list_cells
from serve.agents.arithmetic import calculate, round_half_up
from serve.agents.verification.figures import FigureUnit

_REFERENCE: Final = re.compile(r"\b(U\d{1,6})\.(\d{1,3})\b")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*|\.\d+")
_CONSTANTS: Final = frozenset({*map(str, range(1, 13)), "100"})
_SCALE_WORDS: Final[Mapping[Fraction, str]] = {
    Fraction(1): "",
    Fraction(10**3): " thousand",
    Fraction(10**6): " million",
    Fraction(10**9): " billion",
    Fraction(10**12): " trillion",
}
_DASHES: Final = frozenset("-\u2013\u2014\u2212")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCalculation:
    """A calculation. Attributes: with its figures and result in words, and the labels of what it uses."""

    text: str
    labels: tuple[str, ...]


def calculate_cells(
    expression: str, evidence: RunEvidence, *, as_percent: bool, digits: int
) -> ShownCalculation:
    """Return a calculation over cells, rounded once at the end, a half away from zero.

    Args:
        expression: refers to cells as `U3.2`; other figures are 1 to 12 and 100.
        evidence: that has the cells.
        as_percent: whether the result is a share.
        digits: behind the point at most.

    Raises:
        QueryError: it refers to what is no figure, mixes currencies, or cannot be calculated.
    """
    figures: dict[tuple[str, str], CitedFigure] = {}
    for label, number in _REFERENCE.findall(expression):
        found = evidence.find_figure(label, int(number))
        if found is None:
            raise QueryError(detail=f"{label}.{number} is no figure that was read")
        figures[label, number] = found
    _check(expression, figures)
    is_scaled = len({found.figure.scale for found in figures.values()}) > 1
    written = _REFERENCE.sub(lambda match: _write(figures[match[1], match[2]], is_scaled), expression)
    value = calculate(written)
    result = _show_result(value, expression, figures, as_percent=as_percent, digits=digits)
    labels = dict.fromkeys(label for label, _ in figures)
    return ShownCalculation(text=f"{written} = {result}", labels=tuple(labels))


def _show_result(
    value: Fraction,
    expression: str,
    figures: Mapping[tuple[str, str], CitedFigure],
    *,
    as_percent: bool,
    digits: int,
) -> str:
    """Return a result; what is added up of percentages is in percentage points."""
    if as_percent:
        return f"{_round(value * 100, digits)}%"
    is_rate = all(found.figure.unit is FigureUnit.PERCENT for found in figures.values())
    if is_rate and not re.search(r"[*/\u00d7\u00f7]", expression):
        return f"{_round(value * 100, digits)} percentage points"
    return _round(value, digits)


def _round(value: Fraction, digits: int) -> str:
    """Return a value with so many digits, or as few as it has."""
    exact = (round_half_up(value, n) for n in range(digits) if (value * 10**n).denominator == 1)
    return f"{next(exact, round_half_up(value, digits))}"


def find_differences(evidence: RunEvidence, first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the differences of cells in rows of both sides that are called the same, column by column."""
    differences = []
    for one in first:
        for other in second:
            differences += _subtract(evidence, one, other)
    return differences


def _subtract(evidence: RunEvidence, one: str, other: str) -> list[str]:
    rows = [evidence.find(one), evidence.find(other)]
    if one == other or not all(row is not None and row.is_row for row in rows):
        return []
    cells = [list_cells(row) for row in rows if row is not None]
    names = [row.label.casefold() for row in rows if row is not None]
    if names[0] != names[1]:
        return []
    shown = []
    for number, (column, _, _) in enumerate(cells[0], start=1):
        for at, (named, _, _) in enumerate(cells[1], start=1):
            if column != named:
                continue
            try:
                shown.append(
                    calculate_cells(
                        f"{other}.{at} - {one}.{number}", evidence, as_percent=False, digits=2
                    ).text
                )
            except QueryError:
                continue  # what is no figure has no difference
    return shown


def _check(expression: str, figures: Mapping[tuple[str, str], CitedFigure]) -> None:
    if not figures:
        raise QueryError(detail="a calculation uses at least one cell, such as U3.2")
    for number in _NUMBER.findall(_REFERENCE.sub("", expression)):
        if number not in _CONSTANTS:
            raise QueryError(detail=f"{number} is no cell; calculate with cells, 1 to 12 and 100")
    currencies = {found.figure.currency for found in figures.values()} - {""}
    if len(currencies) > 1:
        raise QueryError(detail=f"it mixes currencies: {', '.join(sorted(currencies))}")


def _write(found: CitedFigure, is_scaled: bool) -> str:
    """Return a figure as a calculation reads it, with the scale of its table where scales differ."""
    text = found.text.strip()
    if text.replace("$", "").strip() in _DASHES:
        return "0"
    if not is_scaled or calculate(text) == found.figure.value:
        return text
    if found.figure.scale not in _SCALE_WORDS:
        raise QueryError(detail=f"the scale of {text} cannot be written")
    return f"{text}{_SCALE_WORDS[found.figure.scale]}"
