"""What it takes for texts to hold the answer of a labelled question.

An answer that was computed is held where every operand is; one that was copied, where each of its parts
stands in one text as it is. Figures are compared by value, words without regard to case, spacing and the
forms of quotation marks and dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_FIGURE: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_FORMS: Final = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What answers a question.

    Attributes:
        parts: texts, each of which must stand in one text; none where the answer was computed.
        operands: figures that must stand in the texts together.
        value: the figure that answers, or `None`.
    """

    parts: tuple[str, ...]
    operands: frozenset[Decimal]
    value: Decimal | None


def make_truth(answers: Sequence[str], operands: Iterable[Decimal] | None = None) -> Truth:
    """Return what answers a question.

    Args:
        answers: the answer, in as many parts as it has.
        operands: that it was computed from; `None` where it was copied.
    """
    value = read_value(answers)
    if operands is not None:
        return Truth(parts=(), operands=frozenset(operands), value=value)
    return Truth(parts=tuple(map(_normalise, answers)), operands=frozenset(), value=value)


def is_held(truth: Truth, texts: Sequence[str]) -> bool:
    """Return whether texts hold an answer; no text holds none."""
    if not texts or not truth.operands <= read_figures(texts):
        return False
    return stands_in(truth.parts, texts)


def stands_in(parts: Sequence[str], texts: Sequence[str]) -> bool:
    """Return whether each part, as a `Truth` has it, stands in one of the texts."""
    normalised = [_normalise(text) for text in texts]
    return all(any(part in text for text in normalised) for part in parts)


def read_figures(texts: Iterable[str]) -> set[Decimal]:
    """Return the figures of texts, without signs, scales and separators."""
    return {
        Decimal(match.group().replace(",", "")) for text in texts for match in _FIGURE.finditer(_join(text))
    }


def read_value(answers: Sequence[str]) -> Decimal | None:
    """Return the one figure that is the answer; `None` where there are more, or words."""
    if len(answers) != 1 or re.search(r"[a-z]{3}", answers[0], re.IGNORECASE):
        return None
    figures = read_figures(answers)
    return next(iter(figures)) if len(figures) == 1 else None


def _normalise(text: str) -> str:
    return " ".join(_join(text.casefold().translate(_FORMS)).split()).strip(" .")


def _join(text: str) -> str:
    """Return text without blanks between a figure and its signs."""
    joined = re.sub(r"([$\u20ac\u00a3\u00a5(])[ \t]+", r"\1", text)
    return re.sub(r"[ \t]+([%)])", r"\1", joined)
