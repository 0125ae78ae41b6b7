"""Finds rows of tables in passages by the words of their labels and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eagleray.contracts.cited_answers import Citation
from eagleray.contracts.hits import Hit
from indexes.lexical.analysis import ENGLISH
from serve.agents.citations import make_citations
from serve.agents.passage_units import PassageUnit, list_units
from serve.agents.verification.cells import name_columns, split_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """A row that was found.

    Attributes:
        label: its first cell that says something.
        cells: column and text of each that was asked for.
        citation: of the row.
    """

    label: str
    cells: tuple[tuple[str, str], ...]
    citation: Citation


def find_rows(hits: Sequence[Hit], *, label: str, column: str, k: int) -> list[FoundRow]:
    """Return the rows whose label has all words asked for, and a cell in such a column.

    A label's own words count, and those of the section above it. Rows that are called just so come before
    those that are called more, and those of better hits before others; of two that say the same under the
    same names, one is given.

    Args:
        hits: passages, best first.
        label: words of the row's label.
        column: words of the column's heading; empty takes every column.
        k: rows at most.
    """
    chosen = find_row_units(hits, label=label, column=column)
    headed = _find_words(column)
    units = {(unit.hit.chunk_id, unit.hit.start + unit.start): unit for unit in chosen}
    rows = []
    for citation in make_citations(chosen)[:k]:
        unit = units[citation.chunk_id, citation.start]
        rows.append(FoundRow(label=unit.label, cells=_choose_cells(unit, headed), citation=citation))
    return rows


def find_row_units(hits: Sequence[Hit], *, label: str, column: str) -> list[PassageUnit]:
    """Return all such rows, in the order of `find_rows`."""
    wanted, headed = _find_words(label), _find_words(column)
    found: list[tuple[int, PassageUnit]] = []
    for unit in list_units(hits):
        own = _find_words(unit.label)
        is_named = unit.is_row and bool(wanted) and wanted <= own | _find_words(unit.section)
        if is_named and _choose_cells(unit, headed):
            found.append((len(own - wanted), unit))
    found.sort(key=lambda item: item[0])  # those that are as near stay in the order of their hits
    return [unit for _, unit in found]


def _find_words(text: str) -> frozenset[str]:
    return frozenset(ENGLISH.find_terms(text))


def _choose_cells(unit: PassageUnit, headed: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Return column and text of the cells below a heading with all words, the label left out."""
    texts = split_cells(unit.text)
    columns = name_columns([split_cells(line) for line in unit.header], len(texts))
    pairs = [(column, text) for column, text in zip(columns, texts, strict=True) if text]
    return tuple(pair for pair in pairs[1:] if headed <= _find_words(pair[0]))
