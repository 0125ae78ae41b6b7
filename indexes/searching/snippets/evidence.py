"""How much of what a question asks for stands in each sentence and row of a text.

A word counts by its idf among the visible rows, and little where the title or heading says it anyway: there
it tells no sentence of the text from another. Words that stand side by side as in the question count more, so
do those in the label of a row, the more of the label they are. A row also has words of the section it stands
in. Of a question that asks for a figure, what holds one counts more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import Statistics, find_idf
from indexes.searching.highlights import FoundWord
from indexes.searching.snippets.units import Place, Unit
from indexes.searching.stop_words import STOP_SURFACES

GIVEN: Final = 0.25
"""Share of a word's weight that is left where the title or heading has it."""

PAIR: Final = 0.3
"""Weight of two words side by side, by that of the lighter one."""

FIGURE: Final = 0.15
"""Weight of a figure that is asked for, by that of all words."""

_REACH: Final = 16
"""Characters between two words that still stand side by side: a stop word or two."""

_FIGURE: Final = re.compile(
    r"[$\u20ac\u00a3\u00a5]\s?\d|\d(?:,\d\d\d|\.\d)|\d\s?(?:%|bps?\b|per\s?cent|basis\s|thousand|[mbtr]illion|years?\b|months?\b)",
    re.IGNORECASE,
)
"""An amount, a rate or a length of time; a year or the number of a note is none."""

_PRECISION: Final = 1_000_000
_TOTAL: Final = "total"
_ASKS_FIGURE: Final = frozenset(
    [
        "amount",
        "averag",
        "balanc",
        "chang",
        "cost",
        "decreas",
        "increas",
        "long",
        "mani",
        "much",
        "number",
        "percent",
        "percentag",
        "price",
        "rate",
        "ratio",
        "size",
        "sum",
        "total",
        "valu",
    ]
)
"""Terms of questions that are answered by a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionWeights:
    """What the words of a question are worth.

    Attributes:
        weights: name -> idf in millionths, whole so that a sum is the same in any order; stop words and
            phrases are not among them.
        total: of all of them.
        followers: words that follow each other in the question.
        asks_figure: whether a figure answers it.
    """

    weights: Mapping[str, int]
    total: int
    followers: frozenset[tuple[str, str]]
    asks_figure: bool


class Evidence(NamedTuple):
    """What a sentence or row has of a question.

    Attributes:
        score: grows with it.
        names: what it holds of the question.
    """

    score: float
    names: frozenset[str]


def weigh_words(terms: Mapping[str, int], statistics: Statistics) -> QuestionWeights:
    """Return the weights of a question.

    Args:
        terms: what it asks for by words, in its order.
        statistics: of the visible rows.
    """
    weights = {
        name: round(find_idf(statistics.n_rows, statistics.frequencies.get(name, 0)) * _PRECISION)
        for name in terms
        if name not in _STOP_TERMS and not name.startswith('"')
    }
    return QuestionWeights(
        weights=weights,
        total=sum(weights.values()),
        followers=frozenset(pairwise(weights)),
        asks_figure=not _ASKS_FIGURE.isdisjoint(terms),
    )


class UnitRater:
    """Finds the evidence in one text."""

    def __init__(
        self, text: str, words: Sequence[FoundWord], question: QuestionWeights, given: frozenset[str]
    ) -> None:
        """Take the text.

        Args:
            text: of a hit.
            words: those of the question in it, in order.
            question: what they are worth.
            given: words that title or heading have.
        """
        self._text, self._words, self._question = text, words, question
        known = question.weights
        held = {_TOTAL, *given, *(name for word in words for name in word.names)}
        self._weights = {
            name: round(known[name] * GIVEN) if name in given else known[name]
            for name in held
            if name in known
        }
        self.total = question.total - sum(
            known[name] - self._weights[name] for name in given if name in known
        )

    def weigh(self, names: frozenset[str] | set[str]) -> int:
        """Return what some words are worth."""
        weights = self._weights
        return sum([weights[name] for name in names if name in weights])

    def rate(self, units: Sequence[Unit]) -> list[Evidence]:
        """Return the evidence of each unit; they stand in order."""
        words, n_words, place = self._words, len(self._words), 0
        found: list[Evidence] = []
        above: dict[Place, frozenset[str]] = {}
        for unit in units:
            while place < n_words and words[place].start < unit.start:
                place += 1
            begin = place
            while place < n_words and words[place].start < unit.end:
                place += 1
            evidence = self._rate_unit(unit, words[begin:place], above)
            found.append(evidence)
            if unit.is_named_only:
                above[unit.start, unit.end] = evidence.names
        return found

    def _rate_unit(
        self, unit: Unit, words: Sequence[FoundWord], above: Mapping[Place, frozenset[str]]
    ) -> Evidence:
        names = _NONE
        score: float = 0
        if words:
            names = frozenset(name for word in words for name in word.names if name in self._weights)
            score = self.weigh(names) + PAIR * self._weigh_pairs(words)
        if unit.is_row:
            score += self._rate_label(unit, words, names)
            if unit.section is not None:
                score += self.weigh(above[unit.section] - names)
        elif self._question.asks_figure and _FIGURE.search(self._text, unit.start, unit.end):
            score += FIGURE * self.total
        return Evidence(score, names)

    def _weigh_pairs(self, words: Sequence[FoundWord]) -> int:
        seen = set()
        for first, second in pairwise(words):
            if 0 <= second.start - first.end <= _REACH:
                seen |= {(a, b) for a in first.names for b in second.names} & self._question.followers
        return sum(min(self._weights[a], self._weights[b]) for a, b in seen)

    def _rate_label(self, unit: Unit, words: Sequence[FoundWord], names: frozenset[str]) -> float:
        """Return what the words in a row's label count once more."""
        label = {name for word in words if word.end <= unit.label_end for name in word.names}
        if label:
            n_words = len(ENGLISH.find_terms(self._text[unit.start : unit.label_end]))
            return self.weigh(label) * min(1.0, len(label) / max(1, n_words))
        if _TOTAL in self._weights and _TOTAL not in names:
            is_sum = not self._text[unit.start : unit.label_end].strip("| ")
            return self._weights[_TOTAL] if is_sum else 0.0
        return 0.0


_NONE: Final = frozenset[str]()
_STOP_TERMS: Final = frozenset(term for word in STOP_SURFACES for term in ENGLISH.find_terms(word))
