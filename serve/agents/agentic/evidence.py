"""What a run has read: sentences and rows by label, as the model is shown them and as they are cited.

Texts stay in this process. A state has the labels and places alone, so what a resumed run may no longer read
is not there any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eagleray.contracts.cited_answers import Citation
from eagleray.contracts.hits import Hit
from eagleray.contracts.times import format_micros
from serve.agents.agentic.run_state import Place
from serve.agents.agentic.scope import AgentScope
from serve.agents.citations import make_citations
from serve.agents.passage_units import PassageUnit, list_units
from serve.agents.verification.cells import name_columns, read_source, split_cells
from serve.agents.verification.figures import Figure

MAX_SHOWN: Final = 40
"""Sentences and rows that one result shows."""

MAX_UNIT_CHARACTERS: Final = 1_200

_TEMPLATE_MARKS: Final = str.maketrans({"<": "\u2039", ">": "\u203a"})
_BRACKETED_MARK: Final = re.compile(r"\[(?=/?(?:INST|SYS|TOOL|AVAILABLE)[A-Z_]*\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedFigure:
    """A figure of what was read. Attributes: as it is written, and as it is understood."""

    text: str
    figure: Figure


class RunEvidence:
    """Sentences and rows of one run, by label."""

    def __init__(self, scope: AgentScope) -> None:
        """Begin with nothing that was read within a scope."""
        self._scope = scope
        self._units: dict[tuple[int, int, int], PassageUnit] = {}
        self._places: dict[str, Place] = {}
        self._labels: dict[tuple[int, int, int], str] = {}

    def read(self, hits: Sequence[Hit]) -> list[PassageUnit]:
        """Return the sentences and rows of hits, and remember them."""
        units = list_units(hits)
        for unit in units:
            self._units.setdefault(_find_key(unit), unit)
        return units

    def restore(self, places: Mapping[str, Place]) -> None:
        """Take the labels of a state, besides those that there are."""
        for label, place in places.items():
            self._places[label] = list(place)
            self._labels[_as_key(place)] = label

    @property
    def places(self) -> dict[str, Place]:
        """Label -> place, as a state has it."""
        return dict(self._places)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All that was read, each once."""
        return tuple({unit.hit.chunk_id: unit.hit for unit in self._units.values()}.values())

    def label(self, units: Iterable[PassageUnit]) -> list[str]:
        """Return the labels of sentences and rows, new ones where they have none."""
        labels = []
        for unit in units:
            key = _find_key(unit)
            self._units.setdefault(key, unit)
            if key not in self._labels:
                self._labels[key] = f"U{len(self._labels) + 1}"
                self._places[self._labels[key]] = list(key)
            labels.append(self._labels[key])
        return labels

    def find(self, label: str) -> PassageUnit | None:
        """Return what has a label; `None` where nothing has, or it may not be read any more."""
        place = self._places.get(label)
        return None if place is None else self._units.get(_as_key(place))

    def cite(self, labels: Iterable[str]) -> tuple[Citation, ...]:
        """Return citations of what has these labels."""
        return make_citations(self.find_citable(labels))

    def find_citable(self, labels: Iterable[str]) -> list[PassageUnit]:
        """Return what has these labels and may be cited: it still holds at the time of the question."""
        units = [self.find(label) for label in dict.fromkeys(labels)]
        return [unit for unit in units if unit is not None and self._scope.is_citable(unit.hit)]

    def find_figure(self, label: str, number: int) -> CitedFigure | None:
        """Return a cell of a row, or a figure of a sentence; `None` where there is none, or it has no figure.

        Args:
            label: of the row or sentence.
            number: of the cell from 1, the row's label left out; or of the figure.
        """
        unit = self.find(label)
        if unit is None or number < 1:
            return None
        (citation,) = make_citations([unit])
        if unit.is_row:
            return _read_cell(citation, unit, number)
        figures = [source.figure for source in read_source(citation)][number - 1 : number]
        return next((CitedFigure(text=citation.text[at.start : at.end], figure=at) for at in figures), None)

    def show(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Return what a model is shown of sentences and rows: those of one chunk together, fenced."""
        passages: list[dict[str, Any]] = []
        last: int | None = None
        for label in labels[:MAX_SHOWN]:
            unit = self.find(label)
            if unit is None:
                continue
            if unit.hit.chunk_id != last:
                passages.append({**self._show_source(unit.hit), "units": []})
                last = unit.hit.chunk_id
            passages[-1]["units"].append({"id": label, **_show_unit(unit)})
        return passages

    def _show_source(self, hit: Hit) -> dict[str, Any]:
        shown: dict[str, Any] = {"document": fence(hit.doc_id), "title": fence(hit.title)}
        shown |= {"heading": fence(hit.heading), "known_from": format_micros(hit.known_from)}
        shown |= {} if hit.page is None else {"page": hit.page}
        return shown if self._scope.is_citable(hit) else {**shown, "superseded": True}

    def list_zones(self) -> frozenset[str]:
        """Return the zones of everything that has a label."""
        units = [self.find(label) for label in self._places]
        return frozenset(unit.hit.zone for unit in units if unit is not None)


def fence(text: str) -> str:
    """Return text as a model may read it, inside JSON: nothing of it is a mark of a chat template."""
    return _BRACKETED_MARK.sub("(", text.translate(_TEMPLATE_MARKS))


def list_cells(unit: PassageUnit) -> list[tuple[str, str, int]]:
    """Return column, text and place of the cells of a row that say something, its label left out."""
    texts = split_cells(unit.text)
    columns = name_columns([split_cells(line) for line in unit.header], len(texts))
    cells = [(column, text, place) for place, (column, text) in enumerate(zip(columns, texts, strict=True))]
    return [cell for cell in cells if cell[1]][1:]


def _read_cell(citation: Citation, unit: PassageUnit, number: int) -> CitedFigure | None:
    """Return a cell of a row: what the row has in figures without it and its neighbours is left out."""
    cells = list_cells(unit)
    if number > len(cells):
        return None
    _, text, place = cells[number - 1]
    texts = split_cells(unit.text)
    named = next(at for at, cell in enumerate(texts) if cell)
    alone = [cell if at == named else "" for at, cell in enumerate(texts)]
    n_of_label = len(read_source(replace(citation, text=_join_cells(alone))))
    alone[place] = text
    figures = read_source(replace(citation, text=_join_cells(alone)))[n_of_label:]
    return CitedFigure(text=text, figure=figures[0].figure) if len(figures) == 1 else None


def _join_cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _show_unit(unit: PassageUnit) -> dict[str, Any]:
    text = fence(unit.text[:MAX_UNIT_CHARACTERS])
    if not unit.is_row:
        return {"text": text}
    cells = {
        str(number): f"{fence(column)}: {fence(cell)}" if column else fence(cell)
        for number, (column, cell, _) in enumerate(list_cells(unit), start=1)
    }
    shown = {"row": fence(unit.label), "cells": cells}
    shown |= {"section": fence(unit.section)} if unit.section else {}
    return shown | ({"scale": fence(unit.scale_note)} if unit.scale_note else {})


def _find_key(unit: PassageUnit) -> tuple[int, int, int]:
    return unit.hit.chunk_id, unit.start, unit.end


def _as_key(place: Sequence[int]) -> tuple[int, int, int]:
    chunk_id, start, end = place
    return chunk_id, start, end
