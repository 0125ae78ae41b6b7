"""What it takes for cited texts to hold the answer of a judged question.

An answer that was computed is held where every operand of its derivation is; one that was copied, where each
of its parts stands in one cited text as it is. Figures are compared by value, words without regard to case,
spacing and the forms of quotation marks and dashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmarks.corpora import JudgedQuery

_FIGURE: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_COUNT: Final = re.compile(r"/\s*\d\d?(?![\d.,])")
"""A number of periods by which a sum is divided; it stands nowhere."""

_FORMS: Final = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What answers a question.

    Attributes:
        parts: texts, each of which must stand in one cited text; none where the answer was computed.
        operands: figures that must stand in the cited texts together.
        value: the figure that answers, or `None`.
    """

    parts: tuple[str, ...]
    operands: frozenset[Decimal]
    value: Decimal | None


def read_derivations(corpus: Path) -> dict[str, str]:
    """Return how the answers of a corpus were computed, by question; none without such a file."""
    path = corpus / "derivations.jsonl"
    if not path.is_file():
        return {}
    with path.open() as stream:
        rows = map(json.loads, stream)
        return {row["_id"]: row["derivation"] for row in rows}


def find_truth(query: JudgedQuery, *, texts: Mapping[str, str], derivations: Mapping[str, str]) -> Truth:
    """Return what answers a question.

    Args:
        query: as it was judged.
        texts: of the passages, by their ids.
        derivations: how answers were computed; operands that stand in no judged passage, such as the number
            of years of an average, are not asked for.
    """
    derivation = derivations.get(query.query_id)
    value = read_value(query.answers)
    if derivation is None:
        return Truth(parts=tuple(map(_normalise, query.answers)), operands=frozenset(), value=value)
    known = read_figures(texts.get(doc_id, "") for doc_id in query.relevant)
    operands = read_figures([_COUNT.sub("", derivation)]) & known
    return Truth(parts=(), operands=frozenset(operands), value=value)


def is_held(truth: Truth, cited: Sequence[str]) -> bool:
    """Return whether cited texts hold an answer."""
    if not cited or not truth.operands <= read_figures(cited):
        return False
    normalised = [_normalise(text) for text in cited]
    return all(any(part in text for text in normalised) for part in truth.parts)


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
