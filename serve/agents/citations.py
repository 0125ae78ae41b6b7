"""From units of passages to numbered citations: duplicates joined, sentences that follow each other one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eagleray.contracts.cited_answers import Citation, CitedKind
from serve.agents.passage_units import PassageUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedUnits:
    """What is cited, and by which numbers.

    Attributes:
        citations: in the order of their numbers.
        numbers: of each unit that was given, in the order in which they were.
    """

    citations: tuple[Citation, ...]
    numbers: tuple[int, ...]


def make_citations(units: Iterable[PassageUnit]) -> tuple[Citation, ...]:
    """Return the citations of units, numbered from 1 in the order in which each is first cited.

    Args:
        units: that are cited, the most important first; of two that say the same under the same names the
            first stands for both.
    """
    return cite_units(list(units)).citations


def cite_units(units: Sequence[PassageUnit]) -> CitedUnits:
    """Return the citations of units, as `make_citations` does, and the number of each unit."""
    kept: dict[tuple[str, ...], PassageUnit] = {}
    for unit in units:
        kept.setdefault(find_identity(unit), unit)
    groups = _join_sentences(list(kept.values()))
    numbers = {find_identity(unit): number for number, group in enumerate(groups, start=1) for unit in group}
    return CitedUnits(
        citations=tuple(_make_citation(group, number) for number, group in enumerate(groups, start=1)),
        numbers=tuple(numbers[find_identity(unit)] for unit in units),
    )


def find_identity(unit: PassageUnit) -> tuple[str, ...]:
    """Return what two units have in common that say the same: title, names and words, however spaced."""
    return tuple(" ".join(text.split()).casefold() for text in (unit.hit.title, unit.naming, unit.text))


def _join_sentences(units: Sequence[PassageUnit]) -> list[list[PassageUnit]]:
    """Return units in groups that are one citation each, in the order of their first ones."""
    groups: list[list[PassageUnit]] = []
    for unit in units:
        joined = next((group for group in groups if _adjoins(unit, group)), None)
        if joined is None:
            groups.append([unit])
        else:
            joined.append(unit)
            joined.sort(key=lambda item: item.start)
    return groups


def _adjoins(unit: PassageUnit, group: Sequence[PassageUnit]) -> bool:
    """Return whether a sentence follows the sentences of a group, or stands right before them."""
    first, last, text = group[0], group[-1], unit.hit.text
    if unit.is_row or first.is_row or unit.hit.chunk_id != first.hit.chunk_id:
        return False
    follows = unit.start >= last.end and not text[last.end : unit.start].strip()
    precedes = unit.end <= first.start and not text[unit.end : first.start].strip()
    return follows or precedes


def _make_citation(units: Sequence[PassageUnit], number: int) -> Citation:
    first, last, hit = units[0], units[-1], units[0].hit
    return Citation(
        number=number,
        kind=CitedKind.ROW if first.is_row else CitedKind.SENTENCE,
        chunk_id=hit.chunk_id,
        doc_id=hit.doc_id,
        version=hit.version,
        title=hit.title,
        heading=hit.heading,
        text=hit.text[first.start : last.end],
        start=hit.start + first.start,
        end=hit.start + last.end,
        header=first.header,
        section=first.section,
        scale_note=first.scale_note,
        page=hit.page,
        source=hit.source,
        zone=hit.zone,
        known_from=hit.known_from,
        event_time=hit.event_time,
        relevance=hit.relevance,
        attributes=hit.attributes,
    )
