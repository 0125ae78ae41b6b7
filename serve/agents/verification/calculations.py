"""Calculations that a statement shows: found, and held against the figures that are cited.

A result has the scale, unit and currency that its operands give it. Whether it is an amount or a share is
known by calculating once more with every operand doubled: an amount doubles, a share stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from eagleray.errors import QueryError
from serve.agents.arithmetic import calculate, round_to_step
from serve.agents.verification.figures import Figure, FigureUnit, find_figures

_EQUATION: Final = re.compile(r"(?P<left>[^=;]{3,200}?)=(?P<right>[^=;]{1,60})")
_EXPRESSION: Final = re.compile(
    r"[-\d.,$\u20ac\u00a3\u00a5()\[\]%+*/\u2212\u00d7\u00f7\s]*(?:\d|\.\d)[-\d.,$\u20ac\u00a3\u00a5()\[\]%+*/\u2212\u00d7\u00f7\s]*$"
)
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_UNARY_MINUS: Final = re.compile(
    r"(?:^|[-(\[+*/\u2212\u00d7\u00f7])\s*[-\u2212]\s*[$\u20ac\u00a3\u00a5]?\s*$"
)
_CONSTANTS: Final = frozenset({*map(Fraction, range(1, 13)), Fraction(100)})
"""Figures of a calculation that may stand nowhere: 100, and numbers of periods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """A calculation that a statement shows.

    Attributes:
        left: what is calculated, as it is written.
        right: what follows the sign of equality.
        result: the first figure of that, or `None`.
        start: first character in the statement.
        end: one past its result.
    """

    left: str
    right: str
    result: Figure | None
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operand:
    """A figure that is calculated with: what it may be of what is cited; nothing for a constant."""

    figure: Figure
    sources: tuple[Figure, ...]


def find_calculations(claim: str) -> list[Calculation]:
    """Return the calculations that a statement shows."""
    found = []
    for match in _EQUATION.finditer(claim):
        left = _EXPRESSION.search(match["left"])
        if left is None:
            continue
        result = next(iter(find_figures(match["right"])), None)
        end = match.start("right") + result.end if result else match.end("right")
        start = match.start("left") + left.start()
        found.append(
            Calculation(left=left.group(), right=match["right"], result=result, start=start, end=end)
        )
    return found


def find_fault(calculation: Calculation, cited: Sequence[Figure]) -> str:
    """Return why a calculation does not hold over the figures that are cited; empty where it does."""
    if calculation.result is None:
        return "a calculation has no result"
    operands = list[_Operand]()
    for figure in find_figures(calculation.left):
        sources = tuple(source for source in cited if _may_be(calculation.left, figure, source))
        if not sources and not _is_constant(figure):
            return f"{figure.writing} is calculated with, and stands in nothing it cites"
        operands.append(_Operand(figure=figure, sources=sources))
    of_cited = [operand for operand in operands if operand.sources]
    if not of_cited:
        return "it calculates with nothing that it cites"
    try:
        value = calculate(calculation.left)
        doubled = calculate(_double(calculation.left, of_cited))
    except QueryError as error:
        return str(error)
    if _comes_to(calculation.result, value, doubled, of_cited):
        return ""
    return f"{calculation.left.strip()} is not {calculation.right.strip()}"


def _comes_to(result: Figure, value: Fraction, doubled: Fraction, operands: Sequence[_Operand]) -> bool:
    """Return whether a result has the value, scale, unit and currency that its operands give it."""
    shared = set.intersection(
        *({_describe(operand, source) for source in operand.sources} for operand in operands)
    )
    for factor, unit, currency in shared:
        if doubled == value and value:
            is_share = result.unit in (FigureUnit.PERCENT, FigureUnit.MULTIPLE, FigureUnit.NUMBER)
            if is_share and not result.currency and _rounds_to(value, result):
                return True
        elif doubled == 2 * value:
            units = {FigureUnit.POINTS, FigureUnit.BASIS_POINTS} if unit is FigureUnit.PERCENT else {unit}
            if result.unit not in units or result.currency not in ("", currency):
                continue
            if _rounds_to(value * factor, result) or (result.scale == 1 and _rounds_to(value, result)):
                return True
    return False


def _describe(operand: _Operand, source: Figure) -> tuple[Fraction, FigureUnit, str]:
    """Return by how much a calculation as it is written is to be multiplied, its unit and its currency."""
    is_short = abs(operand.figure.value) != abs(source.value)
    return (source.scale if is_short else Fraction(1)), source.unit, source.currency


def _rounds_to(value: Fraction, result: Figure) -> bool:
    return round_to_step(value, result.step) == result.value


def _may_be(left: str, figure: Figure, source: Figure) -> bool:
    """Return whether a figure is one that is cited, in full or as its table writes it, with its sign."""
    if figure.unit not in (source.unit, FigureUnit.YEAR) or figure.currency not in ("", source.currency):
        return False
    if abs(figure.value) not in (abs(source.value), abs(source.value) / source.scale):
        return False
    digits = _NUMBER.search(left, figure.start)
    place = digits.start() if digits else figure.start
    is_bracketed = left[:place].rstrip(" $\u20ac\u00a3\u00a5").endswith("(") and left[figure.end - 1] == ")"
    if source.value < 0:
        return is_bracketed or _UNARY_MINUS.search(left[:place]) is not None
    return not is_bracketed


def _is_constant(figure: Figure) -> bool:
    return figure.scale == 1 and not figure.currency and abs(figure.value) in _CONSTANTS


def _double(left: str, operands: Sequence[_Operand]) -> str:
    """Return a calculation with every figure that is cited doubled."""
    written = left
    for operand in reversed(operands):
        start, end = operand.figure.start, operand.figure.end
        inner = _NUMBER.sub(lambda match: _write_double(match.group()), written[start:end], count=1)
        written = f"{written[:start]}{inner}{written[end:]}"
    return written


def _write_double(number: str) -> str:
    whole, _, digits = number.replace(",", "").partition(".")
    doubled = str(2 * int(f"{whole}{digits}")).zfill(len(digits) + 1)
    return (
        f"{doubled[: len(doubled) - len(digits)]}.{digits and doubled[-len(digits) :]}" if digits else doubled
    )
