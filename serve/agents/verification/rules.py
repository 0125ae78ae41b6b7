"""The rules by which a statement is held against what it cites, in the order in which they are tried.

A rule returns its finding, or nothing where it has nothing to say; the first finding is the verdict. Where no
rule objects, the statement is supported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from eagleray.chunking.sentences import find_sentence_starts
from indexes.lexical.analysis import ENGLISH
from serve.agents.verification.calculations import find_calculations, find_fault
from serve.agents.verification.case import Case, CitedText
from serve.agents.verification.cells import SourceFigure
from serve.agents.verification.figures import Figure, equals, find_figures
from serve.agents.verification.periods import Period, find_periods
from serve.agents.verification.wording import find_name

LABELLED: Final = 0.5
"""Share of the words of a row's label that a statement about one of its cells must have."""

_CLAUSE_COVERED: Final = 0.6
_FORMS: Final = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-"}
)
_DIGITS: Final = re.compile(r"\S*\d\S*")
_BY: Final = re.compile(
    r"\b(?:by|(?:decrease|decline|reduction|drop|fall) of)(?:\s+[a-z~]+)?\s*$", re.IGNORECASE
)
"""Before a figure that is said to be a fall, whose sign the word has."""

_LOSS: Final = re.compile(r"(?<!\()\bloss(?:es)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """What a rule found. Attributes: whether it supports (`None`: undecided), and why."""

    is_supported: bool | None
    reason: str


Check = Callable[[Case], RuleFinding | None]


def cites_something(case: Case) -> RuleFinding | None:
    """A statement without a citation is not supported."""
    return None if case.sources else _refuse("it cites nothing")


def is_quotation(case: Case) -> RuleFinding | None:
    """A statement that is a row, or whole sentences, of what it cites is supported."""
    claim = normalise(case.claim)
    for source in case.sources:
        for text in (source.citation.quotation, source.citation.text):
            if claim == normalise(text) or (not source.is_row and claim in _list_passages(text)):
                return RuleFinding(is_supported=True, reason="it quotes what it cites")
    return None


def quotes_exactly(case: Case) -> RuleFinding | None:
    """What stands in quotation marks must stand so in what is cited."""
    cited = [normalise(source.citation.quotation) for source in case.sources]
    for quoted in case.wording.quoted:
        if not any(normalise(quoted) in text for text in cited):
            return _refuse(f'"{quoted}" does not stand in what it cites')
    return None


def has_no_doubt(case: Case) -> RuleFinding | None:
    """What may be read in two ways, or not at all, is undecided, unless what is cited writes it so, too."""
    texts = [source.text for source in case.sources]
    cited = "".join("".join(text.split()) for text in texts).lower()
    doubts = [(figure.writing, figure.doubt) for figure, _ in case.figures if figure.doubt]
    doubts += [(period.doubt, "it may be read as two times") for period in case.periods if period.doubt]
    for writing, why in doubts:
        if writing not in cited:
            return RuleFinding(is_supported=None, reason=f"{writing}: {why}")
    tokens = {token for text in texts for token in text.split()}
    for token in _list_unread(case.claim):
        if token not in tokens:
            return RuleFinding(is_supported=None, reason=f"{token}: it cannot be read as a figure")
    return None


def calculates(case: Case) -> RuleFinding | None:
    """A calculation that is shown must come to its result, over figures that are cited."""
    cited = [
        found.figure
        for source in case.sources
        if _names_source(case, source) and _is_of_row(case, source, case.wording.content, is_whole=True)
        for found in source.figures
    ]
    faults = [find_fault(calculation, cited) for calculation in find_calculations(case.claim)]
    return next((_refuse(fault) for fault in faults if fault), None)


def has_figures(case: Case) -> RuleFinding | None:
    """Each figure must be one of what is cited: of its unit, currency, sign, scale, period and name."""
    calculated = [(item.start, item.end) for item in find_calculations(case.claim)]
    taken = Counter[Figure]()
    for (figure, period), context in zip(case.figures, case.contexts, strict=True):
        if any(start <= figure.start and figure.end <= end for start, end in calculated):
            continue
        said = _Said(figure=figure, period=period, context=context)
        found = [item for source in case.sources for item in _list_matching(case, source, said)]
        free = [item for item in found if not taken[item]]
        if not free:
            return _refuse(f"{figure.writing} stands in nothing it cites, as it is said here")
        taken[free[0]] += 1
    return None


def has_periods(case: Case) -> RuleFinding | None:
    """Each time must be one of those that what is cited speaks of."""
    for period in case.periods:
        said = [other for source in case.sources for other in source.periods]
        if not any(period.is_said_by(other) for other in said):
            return _refuse(f"{case.claim[period.start : period.end]} is no time that it cites")
    return None


def has_names(case: Case) -> RuleFinding | None:
    """Each name must stand in what is cited; two of one sentence must stand there in the same order."""
    wording = case.wording
    for name in (*wording.names, *wording.openings):
        if all(find_name(name, source.text.lower()) < 0 for source in case.sources):
            return _refuse(f"the name {name} stands in nothing it cites")
    for source in case.sources:
        text, place = source.citation.quotation.lower(), 0
        openings = [name for name in wording.openings if name.capitalize() in source.citation.quotation]
        for name in (*openings, *wording.names):
            spot = find_name(name, text[place:])
            if spot >= 0:
                place += spot
            elif find_name(name, text) >= 0:
                return RuleFinding(
                    is_supported=None, reason="its names stand in another order in what it cites"
                )
    return None


def has_qualifiers(case: Case) -> RuleFinding | None:
    """A word such as `basic`, `net`, `total` or `millions` must stand in what is cited."""
    cited = frozenset[str]().union(*(source.qualifiers for source in case.sources))
    missing = sorted(case.wording.qualifiers - cited)
    return _refuse(f"{missing[0]} stands in nothing it cites") if missing else None


def has_words(case: Case) -> RuleFinding | None:
    """Each of its words that says something must stand in what is cited."""
    content = case.wording.content
    if not content:
        return None if case.figures else _refuse("it says nothing that can be held against what it cites")
    cited = frozenset[str]().union(*(source.wording.content for source in case.sources))
    if content - cited:
        missing = ", ".join(sorted(content - cited)[:3])
        return _refuse(f"words of it stand in nothing it cites: {missing}")
    return None


def agrees_in_negation(case: Case) -> RuleFinding | None:
    """It must deny what is denied in what is cited, and nothing else."""
    source = _find_closest(case)
    claimed, content = case.wording.denied, case.wording.content
    cited = (source.label if source.is_row else source.sentence).denied
    if claimed - cited:
        return _refuse("it denies what it cites")
    if (cited & content) - claimed:
        return _refuse("it leaves out a denial of what it cites")
    return None


def agrees_in_certainty(case: Case) -> RuleFinding | None:
    """What only may or could be must be said so, and what is must not be said to be possible."""
    source = _find_closest(case)
    claimed, cited = case.wording.supposed, source.sentence.supposed
    moves = (term for word in case.wording.rises | case.wording.falls for term in ENGLISH.find_terms(word))
    if claimed - cited or (cited & case.wording.content.union(moves)) - claimed:
        return _refuse("it is surer, or less sure, than what it cites")
    return None


def agrees_in_direction(case: Case) -> RuleFinding | None:
    """What is said to have grown or fallen must have done so in what is cited."""
    source = _find_closest(case)
    rises = case.wording.rises - source.label.rises
    falls = case.wording.falls - source.label.falls
    if not (rises or falls):
        return None
    if source.is_row:
        return _compare_cells(case, source, rises=bool(rises), falls=bool(falls))
    said = source.sentence
    if (rises and not said.rises) or (falls and not said.falls):
        return _refuse("it moves the other way in what it cites, or is not said to move")
    return None


def says_something(case: Case) -> RuleFinding | None:
    """A question says nothing; nor does what has of a row its label alone, and of no other cell a word."""
    if case.claim.rstrip(" \"')\u201d\u2019").endswith("?"):
        return _refuse("it is a question")
    wording = case.wording
    if case.figures or wording.rises or wording.falls or not all(source.is_row for source in case.sources):
        return None
    if any(wording.content & source.cells for source in case.sources):
        return None
    return _refuse("it says nothing of the cells of the row")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierRule:
    """A rule by its name."""

    name: str
    check: Check


RULES: Final = (
    VerifierRule(name="citation", check=cites_something),
    VerifierRule(name="quotation", check=is_quotation),
    VerifierRule(name="quotation_marks", check=quotes_exactly),
    VerifierRule(name="doubt", check=has_no_doubt),
    VerifierRule(name="calculation", check=calculates),
    VerifierRule(name="figure", check=has_figures),
    VerifierRule(name="period", check=has_periods),
    VerifierRule(name="name", check=has_names),
    VerifierRule(name="qualifier", check=has_qualifiers),
    VerifierRule(name="words", check=has_words),
    VerifierRule(name="negation", check=agrees_in_negation),
    VerifierRule(name="certainty", check=agrees_in_certainty),
    VerifierRule(name="direction", check=agrees_in_direction),
    VerifierRule(name="statement", check=says_something),
)
"""Every rule, in the order in which they are tried."""


def normalise(text: str) -> str:
    """Return text without regard to case, spacing and the forms of quotation marks and dashes."""
    return " ".join(text.translate(_FORMS).casefold().split()).rstrip(".")


def _refuse(reason: str) -> RuleFinding:
    return RuleFinding(is_supported=False, reason=reason)


def _list_passages(text: str) -> set[str]:
    """Return every run of whole sentences of a text."""
    starts = [*find_sentence_starts(text, start=0, end=len(text)), len(text)] if text.strip() else []
    return {
        normalise(text[starts[first] : starts[last]])
        for first in range(len(starts))
        for last in range(first + 1, len(starts))
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A figure of a statement, with its period and the words around it."""

    figure: Figure
    period: Period | None
    context: frozenset[str]


def _list_matching(case: Case, source: CitedText, said: _Said) -> list[Figure]:
    """Return the figures of a source that a figure of a statement may be."""
    if not _names_source(case, source):
        return []
    is_end = said.figure.range_number >= 0
    return [
        found.figure
        for found in source.figures
        if _is_figure(case, said.figure, found)
        and is_end == (found.figure.range_number >= 0)
        and _is_of_period(source, found, said.period)
        and _is_of_context(source, found, said.context)
        and _is_of_row(case, source, said.context)
    ]


def _is_of_context(source: CitedText, found: SourceFigure, context: frozenset[str]) -> bool:
    """Return whether no other figure of that sentence and time stands among more of the words around it."""
    if source.is_row:
        return True
    rivals = [other for other in source.figures if other.periods == found.periods]
    shared = len(found.context & context)
    return all(len(other.context & context) <= shared for other in rivals)


def _is_of_row(case: Case, source: CitedText, context: frozenset[str], *, is_whole: bool = False) -> bool:
    """Return whether the words around a figure tell a row from the other rows that are cited.

    They have what the row is named and the other is not (`basic`), and nothing that the other alone is named
    (`diluted`). A whole statement may speak of both.
    """
    if not source.is_row:
        return True
    for other in case.sources:
        if other is source or not other.is_row or other.naming == source.naming:
            continue
        alone = other.naming - source.naming - source.wording.content
        if not source.naming - other.naming <= context or (alone & context and not is_whole):
            return False
    return True


def _is_figure(case: Case, figure: Figure, found: SourceFigure) -> bool:
    if equals(figure, found.figure):
        return True
    falls_by = case.wording.falls and _BY.search(case.claim[: figure.start])
    is_turned = falls_by or _LOSS.search(case.claim) is not None
    return bool(is_turned) and figure.value > 0 and equals(figure, _negate(found.figure))


def _negate(figure: Figure) -> Figure:
    return replace(figure, value=-figure.value)


def _is_of_period(source: CitedText, found: SourceFigure, period: Period | None) -> bool:
    if period is None:
        return True
    said = found.periods or source.periods
    return any(period.is_said_by(other) for other in said)


def _names_source(case: Case, source: CitedText) -> bool:
    """Return whether a statement speaks of a source: has its label, and words that stand there."""
    content, label = case.wording.content, source.label.content
    if label and len(label & content) < LABELLED * len(label):
        return False
    if not content:
        return True
    share = len(content & source.wording.content) / len(content)
    return share >= _CLAUSE_COVERED


def _find_closest(case: Case) -> CitedText:
    """Return the source that has most of a statement's words."""
    content = case.wording.content
    return max(case.sources, key=lambda source: len(content & source.sentence.content))


def _compare_cells(case: Case, source: CitedText, *, rises: bool, falls: bool) -> RuleFinding | None:
    """Hold a movement against the cells of a row: those of the times it names, or of the time before."""
    by_year = {
        found.periods[0].year: found.figure.value
        for found in source.figures
        if found.periods and found.periods[0].year
    }
    asked = sorted({period.year for period in case.periods if period.year in by_year})
    pairs = list(pairwise(asked if len(asked) >= 2 else sorted(by_year)))
    if len(asked) == 1:
        pairs = [(old, new) for old, new in pairs if new == asked[0]]
    if not pairs:
        return RuleFinding(is_supported=None, reason="no two times of the row show a movement")
    rose = all(by_year[new] > by_year[old] for old, new in pairs)
    fell = all(by_year[new] < by_year[old] for old, new in pairs)
    if (rises and not rose) or (falls and not fell):
        return _refuse("the cells of the row move the other way")
    return None


def _list_unread(claim: str) -> list[str]:
    """Return the words with digits that are neither figures nor times."""
    read = [(figure.start, figure.end) for figure in find_figures(claim)]
    read += [(period.start, period.end) for period in find_periods(claim)]
    return [
        match.group().strip(".,;:()")
        for match in _DIGITS.finditer(claim)
        if any(
            not any(start <= place < end for start, end in read)
            for place in range(match.start(), match.end())
            if claim[place].isdigit()
        )
    ]
