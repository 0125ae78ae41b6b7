"""What a cited text says in figures: those of a sentence with their periods, cells with their columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from eagleray.contracts.cited_answers import Citation, CitedKind
from serve.agents.verification.clauses import associate, find_contexts
from serve.agents.verification.figures import Figure, FigureUnit, find_figures, make_zero, read_scale
from serve.agents.verification.periods import Period, find_periods

_DASHES: Final = frozenset(
    {"-", "\u2013", "\u2014", "\u2212", "$ -", "$ \u2014", "$-", "$\u2014", "$ \u2013", "nil"}
)
_PER_SHARE: Final = re.compile(r"\bper[ -](?:\w+[ -])?share\b|\bshares?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFigure:
    """A figure that a cited text has.

    Attributes:
        figure: with the scale and currency of its table.
        periods: that it is of; none where the text does not say.
        column: heading of its column, of a cell.
        context: stems of the words around it, in a sentence.
    """

    figure: Figure
    periods: tuple[Period, ...]
    column: str = ""
    context: frozenset[str] = frozenset()


def read_source(citation: Citation) -> list[SourceFigure]:
    """Return the figures of a citation."""
    if citation.kind is CitedKind.ROW:
        return _read_row(citation)
    figures = associate(citation.text)
    contexts = find_contexts(citation.text, [figure for figure, _ in figures])
    return [
        SourceFigure(figure=figure, periods=() if period is None else (period,), context=context)
        for (figure, period), context in zip(figures, contexts, strict=True)
    ]


def _read_row(citation: Citation) -> list[SourceFigure]:
    cells = split_cells(citation.text)
    columns = name_columns([split_cells(line) for line in citation.header], len(cells))
    label = f"{citation.section} {next((cell for cell in cells if cell), '')}"
    scale, currency = read_scale(citation.scale_note)
    currency = currency or _find_currency(citation.text)
    scale = Fraction(1) if _PER_SHARE.search(label) else scale
    found = []
    for cell, column in zip(cells, columns, strict=True):
        periods = tuple(find_periods(column)) or tuple(find_periods(citation.section))
        figures = [make_zero(0, len(cell))] if cell in _DASHES else find_figures(cell)
        for figure in figures:
            scaled = _scale(figure, scale, currency=currency, column=column)
            found.append(SourceFigure(figure=scaled, periods=periods, column=column))
    return found


def split_cells(line: str) -> list[str]:
    """Return the cells of a row."""
    stripped = line.strip()
    if "|" in stripped:
        return [cell.strip() for cell in stripped.removeprefix("|").removesuffix("|").split("|")]
    return [cell.strip() for cell in stripped.split("\t")]


def name_columns(header: Sequence[Sequence[str]], n_cells: int) -> list[str]:
    """Return what the header says of each column; a row of it with one cell alone speaks of all."""
    named = [""] * n_cells
    for row in header:
        spoken = [cell for cell in row if cell]
        for place in range(n_cells):
            own = row[place] if place < len(row) else ""
            text = own or (spoken[0] if len(spoken) == 1 and len(row) > 1 else "")
            named[place] = f"{named[place]} {text}".strip()
    return named


def _scale(figure: Figure, scale: Fraction, *, currency: str, column: str) -> Figure:
    if figure.unit is FigureUnit.YEAR:
        figure = replace(figure, unit=FigureUnit.NUMBER)
    if figure.unit is not FigureUnit.NUMBER:
        return figure
    if "%" in column or "percent" in column.lower():
        factor = Fraction(1, 100)
        return replace(
            figure, value=figure.value * factor, step=figure.step * factor, unit=FigureUnit.PERCENT
        )
    factor = scale if figure.scale == 1 else Fraction(1)
    return replace(
        figure,
        value=figure.value * factor,
        step=figure.step * factor,
        scale=figure.scale * factor,
        currency=figure.currency or currency,
    )


def _find_currency(text: str) -> str:
    """Return the currency that every figure of a row has that names one."""
    named = {figure.currency for figure in find_figures(text.replace("|", " ; ")) if figure.currency}
    return next(iter(named)) if len(named) == 1 else ""
