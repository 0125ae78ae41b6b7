"""The sentences and rows of passages as a model reads them: each with a number, as many as it has room for.

A table is shown whole, with the rows that name its columns, or not at all. What is shown stands between
fences that no document can write, because they hold a digest of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from eagleray.contracts.hits import Hit
from eagleray.contracts.times import format_micros
from eagleray.digests import digest_bytes
from serve.agents.passage_units import PassageUnit, list_units
from serve.agents.token_estimates import estimate_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedLines:
    """What a model is shown.

    Attributes:
        units: that can be cited; line 1 is the first of them.
        text: of all lines, in their passages, between fences.
    """

    units: tuple[PassageUnit, ...]
    text: str

    def find_units(self, numbers: Iterable[int]) -> list[PassageUnit]:
        """Return the units of lines, each once; a number that no line has gives none."""
        known = [number for number in dict.fromkeys(numbers) if 1 <= number <= len(self.units)]
        return [self.units[number - 1] for number in known]


def number_lines(hits: Sequence[Hit], *, max_tokens: int) -> NumberedLines:
    """Return the lines of passages, the best passage first, as far as they fit.

    Args:
        hits: the best first.
        max_tokens: that the text may have. A sentence or table that has no room is left out; what
            comes after it may still have some.
    """
    units, shown, left = list[PassageUnit](), list[str](), max_tokens - _FENCE_TOKENS
    for hit, blocks in _list_passages(hits):
        heading, lines = _show_heading(hit), list[str]()
        left_here = left - estimate_tokens(heading) - 1
        for block in blocks:
            written = _show_block(block, first=len(units) + 1)
            n_tokens = estimate_tokens(written) + 1
            if n_tokens <= left_here:
                left_here -= n_tokens
                units += block
                lines.append(written)
        if lines:
            left = left_here
            shown.append("\n".join((heading, *lines)))
    text = "\n".join(shown)
    mark = digest_bytes(text.encode("utf-8", "surrogatepass"))[:_MARK]
    return NumberedLines(units=tuple(units), text=_fence(text, mark) if units else "")


def _fence(text: str, mark: str) -> str:
    return f"<<<passages {mark}\n{text}\n>>>passages {mark}"


_MARK: Final = 12
"""Digits of the digest in a fence."""

_FENCE_TOKENS: Final = estimate_tokens(_fence("", "0" * _MARK))


def _list_passages(hits: Sequence[Hit]) -> Iterator[tuple[Hit, list[list[PassageUnit]]]]:
    """Yield each passage with its blocks: sentences, and tables of all their rows."""
    for place, units in groupby(list_units(hits), key=lambda unit: unit.place):
        blocks = list[list[PassageUnit]]()
        for unit in units:
            follows = bool(blocks) and unit.is_row and blocks[-1][-1].is_row
            if follows and blocks[-1][-1].header == unit.header:
                blocks[-1].append(unit)
            else:
                blocks.append([unit])
        yield hits[place], blocks


def _show_heading(hit: Hit) -> str:
    is_told = hit.title and hit.heading.startswith(hit.title)
    about = hit.heading if is_told else " > ".join(part for part in (hit.title, hit.heading) if part)
    return f"Passage: {_join(about)} (known from {format_micros(hit.known_from)[:10]})"


def _show_block(block: Sequence[PassageUnit], *, first: int) -> str:
    """Return the lines of a sentence, or of a table with what names its columns and rows."""
    lines, section = list[str](), ""
    if block[0].is_row:
        lines += [_join(line) for line in block[0].header]
        lines += [f"({note})" for note in dict.fromkeys(unit.scale_note for unit in block) if note]
    for number, unit in enumerate(block, start=first):
        if unit.section not in ("", section):
            section = unit.section
            lines.append(_join(section))
        lines.append(f"[{number}] {_join(unit.text)}")
    return "\n".join(lines)


def _join(text: str) -> str:
    """Return text on one line, so that nothing of it can pass for another line."""
    return " ".join(text.split())
