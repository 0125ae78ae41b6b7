"""The sentences and rows of passages, with what names each: the units that an answer may cite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.hits import Hit
from indexes.searching.snippets.units import Place, Unit, find_units, read_columns

_SCALE_NOTE: Final = re.compile(
    r"\((?:[^()\n]{0,40}\b)?(?:in|stated in|expressed in)\s[^()\n]{0,20}?"
    r"(?:thousand|million|billion)s?\b[^()\n]{0,60}\)"
    r"|\bin (?:(?:US|U\.S\.)? ?(?:dollars|euros?|pounds|[$\u20ac\u00a3\u00a5]) ?)?"
    r"(?:thousand|million|billion)s\b"
    r"|(?<![\w$\u20ac\u00a3\u00a5])[$\u20ac\u00a3\u00a5]['\u2019]?(?:000s?|m|mn|bn|k)\b",
    re.IGNORECASE,
)
"""What says the scale of a table's figures."""

_NEAR: Final = 400
"""Characters above a table in which its scale may be said."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassageUnit:
    """A sentence, or a row of a table, of a hit.

    Attributes:
        hit: that holds it.
        place: of the hit among those of the question, from 0.
        is_row: whether it is a row.
        start: its first character in the hit's text.
        end: one past the last.
        label: of a row, its first cell that says something.
        header: of a row, the rows that name its columns.
        section: of a row, the row above that names it and its neighbours; or nothing.
        scale_note: what says the scale of a row's figures; or nothing.
    """

    hit: Hit
    place: int
    is_row: bool
    start: int
    end: int
    label: str = ""
    header: tuple[str, ...] = ()
    section: str = ""
    scale_note: str = ""

    @property
    def text(self) -> str:
        """The sentence or row."""
        return self.hit.text[self.start : self.end]

    @property
    def naming(self) -> str:
        """What stands above a row and names it."""
        return "\n".join((*self.header, self.section)) if self.is_row else ""

    @property
    def quotation(self) -> str:
        """The unit below what names it."""
        return f"{self.naming}\n{self.text}" if self.is_row else self.text


def list_units(hits: Sequence[Hit]) -> list[PassageUnit]:
    """Return the units of hits, in order, but those that only name others."""
    return [unit for place, hit in enumerate(hits) for unit in _list_hit_units(hit, place)]


def _list_hit_units(hit: Hit, place: int) -> list[PassageUnit]:
    columns = read_columns(hit.title, hit.heading)
    units = find_units(hit.text, is_inside_table=columns != "")
    return [_make_unit(hit, place, unit, columns=columns) for unit in units if not unit.is_named_only]


def _make_unit(hit: Hit, place: int, unit: Unit, *, columns: str) -> PassageUnit:
    if not unit.is_row:
        return PassageUnit(hit=hit, place=place, is_row=False, start=unit.start, end=unit.end)
    text = hit.text
    header = tuple(_cut(text, line) for line in unit.header) or ((columns,) if columns else ())
    section = "" if unit.section is None else _cut(text, unit.section)
    return PassageUnit(
        hit=hit,
        place=place,
        is_row=True,
        start=unit.start,
        end=unit.end,
        label=text[unit.start : unit.label_end].strip("|\t "),
        header=header,
        section=section,
        scale_note=_find_scale_note(hit, unit, naming="\n".join((section, *header))),
    )


def _find_scale_note(hit: Hit, unit: Unit, *, naming: str) -> str:
    """Return what says the scale of a row: its section or header, else what stands right above its table."""
    first = min([unit.start, *(start for start, _ in unit.header)])
    above = hit.text[max(0, first - _NEAR) : first]
    notes = [*_SCALE_NOTE.finditer(naming), *_SCALE_NOTE.finditer(hit.heading)][:1]
    notes = notes or [*_SCALE_NOTE.finditer(above)][-1:]
    return notes[0].group().strip("()") if notes else ""


def _cut(text: str, place: Place) -> str:
    return text[place[0] : place[1]]
