"""How well each sentence and row of passages answers a question, without a model.

The evidence is the passage's own score, and how much of the question the unit holds: by idf, in the label of
a row, in the years it is about, and whether it is of the kind that the question asks for. What the title of a
document says tells none of its units from another, so words that stand there do not count.

The weights are those of a conditional logistic regression: of the units of a question's passages, which hold
its answer? They were fitted to the questions of TAT-QA (`benchmarks.answers` says how much that flatters).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from eagleray.contracts.hits import Explanation, Hit
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import find_idf
from indexes.searching.stop_words import STOP_SURFACES
from serve.agents.passage_units import PassageUnit

COSINE: Final = 13.4
"""Weight of the cosine similarity of the passage."""

FUSED: Final = 9.0
"""Weight of the passage's score, over the greatest, where no vectors were compared."""

COVERAGE: Final = 5.5
"""Weight of the share of the question, by idf, that stands in the unit or in what names it."""

LABEL: Final = 0.4
"""Weight of the share of a row's label that the question holds."""

WHOLE_LABEL: Final = 1.7
"""Weight of a label that stands in the question as it is."""

YEARS: Final = 1.5
"""Weight of a unit that has all years the question is about."""

EXPLAINING_ROW: Final = -2.5
"""Weight of a row, where reasons or meanings are asked for."""

COUNTING_SENTENCE: Final = -1.4
"""Weight of a sentence, where a figure is asked for."""

ANNOUNCEMENT: Final = -1.5
"""Weight of a sentence that ends in a colon: it announces what follows. Not fitted."""

_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")
_ASKS_FIGURE: Final = re.compile(
    r"\bhow (?:much|many)\b|\b(?:percentage|amount|number|total|average|change|ratio)\b"
    r"|\bwhat (?:is|was|were|are) the "
    r"(?:percent|value|net|sum|increase|decrease|difference|proportion|respective)\b",
    re.IGNORECASE,
)
_ASKS_REASON: Final = re.compile(
    r"\b(?:why|how|who|describe|explain|defined?|defines)\b"
    r"|\bwhat (?:does|do|did|led|caused|drove|factors|happens?|types?|kind)\b",
    re.IGNORECASE,
)


class _Reading(NamedTuple):
    """What a passage's title and heading leave of the question.

    Attributes:
        weights: word -> idf, of those that they do not say.
        years: that the question says more often than they do.
    """

    weights: Mapping[str, float]
    years: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedWords:
    """The words of a question, as units are compared with them.

    Attributes:
        text: the question.
        weights: word -> idf among the visible chunks, without stop words.
        line: the words in their order, with blanks around each.
        asks_figure: whether a figure answers it.
        asks_reason: whether a reason or meaning does.
    """

    text: str
    weights: Mapping[str, float]
    line: str
    asks_figure: bool
    asks_reason: bool


def read_question(question: str, explanation: Explanation) -> AskedWords:
    """Return the words of a question.

    Args:
        question: as it was asked.
        explanation: of its search; it tells how many of the visible chunks hold each word.
    """
    words = [word for word in ENGLISH.find_terms(question) if word not in _STOP_WORDS]
    n_rows, frequencies = explanation.n_visible, explanation.document_frequencies
    asks_figure = _ASKS_FIGURE.search(question) is not None
    return AskedWords(
        text=question,
        weights={word: find_idf(n_rows, frequencies.get(word, 0)) for word in dict.fromkeys(words)},
        line=f" {' '.join(words)} ",
        asks_figure=asks_figure,
        asks_reason=not asks_figure and _ASKS_REASON.search(question) is not None,
    )


def score_units(units: Sequence[PassageUnit], question: AskedWords) -> list[float]:
    """Return how well each unit answers; of one question, the greater the better.

    Args:
        units: of the passages of a question.
        question: its words.
    """
    greatest = max((unit.hit.score for unit in units), default=0.0)
    readings: dict[int, _Reading] = {}
    scores = []
    for unit in units:
        if unit.place not in readings:
            readings[unit.place] = _read_above(unit.hit, question)
        passage = _weigh_passage(unit.hit, greatest)
        scores.append(passage + _weigh_unit(unit, question, readings[unit.place]))
    return scores


def _weigh_passage(hit: Hit, greatest: float) -> float:
    if hit.dense is not None:
        return COSINE * hit.dense
    return FUSED * hit.score / greatest if greatest > 0 else 0.0


def _read_above(hit: Hit, question: AskedWords) -> _Reading:
    said = frozenset(ENGLISH.find_terms(f"{hit.title} {hit.heading}"))
    years = Counter(_YEAR.findall(question.text)) - Counter(_YEAR.findall(hit.title))
    left = {word: weight for word, weight in question.weights.items() if word not in said}
    return _Reading(weights=left, years=frozenset(years))


def _weigh_unit(unit: PassageUnit, question: AskedWords, reading: _Reading) -> float:
    quotation = unit.quotation
    held = frozenset(ENGLISH.find_terms(quotation))
    whole = sum(reading.weights.values())
    score = 0.0
    if whole > 0:
        score += COVERAGE * sum(weight for word, weight in reading.weights.items() if word in held) / whole
    if reading.years and reading.years <= set(_YEAR.findall(quotation)):
        score += YEARS
    if unit.is_row:
        score += _weigh_label(unit.label, question)
        return score + (EXPLAINING_ROW if question.asks_reason else 0.0)
    score += ANNOUNCEMENT if quotation.endswith(":") else 0.0
    return score + (COUNTING_SENTENCE if question.asks_figure else 0.0)


def _weigh_label(label: str, question: AskedWords) -> float:
    words = [word for word in ENGLISH.find_terms(label) if word not in _STOP_WORDS]
    if not words:
        return 0.0
    share = sum(word in question.weights for word in words) / len(words)
    is_whole = f" {' '.join(words)} " in question.line
    return LABEL * share + (WHOLE_LABEL if is_whole else 0.0)


_STOP_WORDS: Final = frozenset(term for word in STOP_SURFACES for term in ENGLISH.find_terms(word))
