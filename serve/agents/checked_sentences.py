"""From what a model wrote to statements that hold: each is supported by what it cites, or quotes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

from eagleray.contracts.cited_answers import Citation, Statement
from indexes.lexical.analysis import ENGLISH
from indexes.searching.stop_words import STOP_SURFACES
from serve.agents.citations import cite_units, make_citations
from serve.agents.passage_units import PassageUnit
from serve.agents.verification import Outcome, verify

_STOP_WORDS: Final = frozenset(term for word in STOP_SURFACES for term in ENGLISH.find_terms(word))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSentence:
    """A sentence of a model beside what it names.

    Attributes:
        text: of the sentence; empty for a quotation of its unit.
        units: that it needs to stand on; those that it names, where it does not hold.
        fault: why it does not hold; empty where it does.
    """

    text: str
    units: tuple[PassageUnit, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedAnswer:
    """What is delivered.

    Attributes:
        statements: each of which holds.
        citations: of them.
        n_replaced: sentences in whose place quotations stand, or nothing does.
    """

    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    n_replaced: int


def check_sentence(
    text: str, units: Sequence[PassageUnit], *, question: str, fault: str = ""
) -> CheckedSentence:
    """Return a sentence with what it stands on, or why it does not hold; for a row, its quotation.

    A sentence of the model's own has a word of the question, too: a document that asks for a word to be said
    supports that word, and does not make it an answer.

    Args:
        text: of the sentence.
        units: that it names.
        question: that it answers.
        fault: why it does not hold, whatever it says; empty where that is not known.
    """
    if fault:
        return CheckedSentence(text=text, units=tuple(units), fault=fault)
    for unit in units:
        if unit.is_row and text.split() == unit.text.split():
            return CheckedSentence(text="", units=(unit,))
    is_about_it = bool(_find_words(text) & _find_words(question))
    for chosen in (*((unit,) for unit in units), tuple(units)):
        verdict = verify(text, make_citations(chosen))
        if verdict.outcome is Outcome.SUPPORTED and (is_about_it or verdict.rule == "quotation"):
            return CheckedSentence(text=text, units=_find_needed(text, chosen))
        fault = "it has no word of the question" if verdict.outcome is Outcome.SUPPORTED else verdict.reason
    return CheckedSentence(text=text, units=tuple(units), fault=fault)


def _find_words(text: str) -> frozenset[str]:
    return frozenset(ENGLISH.find_terms(text)) - _STOP_WORDS


def compose_answer(
    checked: Iterable[CheckedSentence], *, answering: Iterable[PassageUnit], max_citations: int
) -> ComposedAnswer:
    """Return the statements of sentences in their order, quotations in the place of those that do not hold.

    Everything is held once more against the citations as they are delivered.

    Args:
        checked: sentences.
        answering: units that may answer, by themselves; a model that wrote what does not hold is not
            believed either that another one does, and that is not quoted.
        max_citations: of the answer; what would bring more is left out.
    """
    quotable = {_find_place(unit) for unit in answering}
    parts, n_replaced = [*checked], 0
    while True:
        n_replaced += sum(bool(part.fault) for part in parts)
        parts = _keep_within([one for part in parts for one in _quote_failing(part, quotable)], max_citations)
        statements, citations = _number(parts)
        cited = {citation.number: citation for citation in citations}
        parts = [
            part
            if _holds(statement, cited) or not part.text
            else replace(part, fault="it is read differently")
            for part, statement in zip(parts, statements, strict=True)
        ]
        if not any(part.fault for part in parts):
            return ComposedAnswer(
                statements=tuple(dict.fromkeys(statements)), citations=citations, n_replaced=n_replaced
            )


def _find_needed(text: str, units: Sequence[PassageUnit]) -> tuple[PassageUnit, ...]:
    """Return the units without which a sentence does not hold."""
    needed = [*units]
    for unit in units:
        others = [other for other in needed if other is not unit]
        if others and verify(text, make_citations(others)).outcome is Outcome.SUPPORTED:
            needed = others
    return tuple(needed)


def _quote_failing(part: CheckedSentence, quotable: Set[tuple[int, int]]) -> list[CheckedSentence]:
    """Return a sentence that holds, or a quotation of each of the units of one that does not."""
    if not part.fault:
        return [part]
    units = [unit for unit in part.units if _find_place(unit) in quotable]
    return [CheckedSentence(text="", units=(unit,)) for unit in units]


def _find_place(unit: PassageUnit) -> tuple[int, int]:
    return unit.hit.chunk_id, unit.start


def _keep_within(parts: Iterable[CheckedSentence], most: int) -> list[CheckedSentence]:
    """Return the parts in their order, but those that would bring more citations than there may be."""
    kept, units = list[CheckedSentence](), list[PassageUnit]()
    for part in parts:
        if len(make_citations([*units, *part.units])) <= most:
            kept.append(part)
            units += part.units
    return kept


def _number(parts: Sequence[CheckedSentence]) -> tuple[list[Statement], tuple[Citation, ...]]:
    """Return each part as a statement with the numbers of its citations, and these."""
    cited = cite_units([unit for part in parts for unit in part.units])
    quotations = {citation.number: citation.quotation for citation in cited.citations}
    statements, place = list[Statement](), 0
    for part in parts:
        numbers = tuple(dict.fromkeys(cited.numbers[place : place + len(part.units)]))
        place += len(part.units)
        statements.append(Statement(text=part.text or quotations[numbers[0]], citations=numbers))
    return statements, cited.citations


def _holds(statement: Statement, cited: Mapping[int, Citation]) -> bool:
    verdict = verify(statement.text, [cited[number] for number in statement.citations])
    return verdict.outcome is Outcome.SUPPORTED
