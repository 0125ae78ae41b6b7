"""Which sentences or rows of a text are shown: the best one, and others that add to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Final

from indexes.searching.snippets.evidence import UnitRater
from indexes.searching.snippets.units import Place, Unit

MAX_CHARACTERS: Final = 320
"""Of all sentences or rows that are chosen together, and of each row above them."""

MAX_UNITS: Final = 3
"""Sentences or rows of a snippet."""

MIN_GAIN: Final = 0.1
"""Share of the question's weight that a further sentence or row must add."""


def choose_units(units: Sequence[Unit], rater: UnitRater, *, given: Set[str]) -> list[Unit]:
    """Return the units that are shown, the best one first.

    Others join it where they are as good, or hold words of the question that are not shown yet, as far as
    there is room.

    Args:
        units: of a text, in order; at least one.
        rater: of the text.
        given: words of the question that are shown anyway.
    """
    if len(units) == 1:
        return list(units)
    evidence = rater.rate(units)
    names = {(unit.start, unit.end): item.names for unit, item in zip(units, evidence, strict=True)}
    places = [place for place, unit in enumerate(units) if not unit.is_named_only] or range(len(units))
    ranked = sorted(places, key=lambda place: (-evidence[place].score, place))
    chosen, shown, room = list[Unit](), set(given), MAX_CHARACTERS
    for place in ranked:
        unit, (score, held) = units[place], evidence[place]
        if chosen:
            is_as_good = score == evidence[ranked[0]].score
            is_new = rater.weigh(held - shown) >= MIN_GAIN * rater.total
            if unit.end - unit.start > room or not (is_as_good or is_new):
                continue
        chosen.append(unit)
        if len(chosen) == MAX_UNITS:
            break
        room -= unit.end - unit.start
        shown.update(*(names[lines] for lines in list_lines(unit)))
    return chosen


def list_lines(unit: Unit) -> Iterator[Place]:
    """Yield what is shown of a unit, in order: the rows above it that name it, and itself."""
    yield from unit.header
    if unit.section is not None:
        yield unit.section
    yield unit.start, unit.end
