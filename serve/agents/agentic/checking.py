"""A draft held against what it cites, sentence by sentence, by the verifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from indexes.lexical.analysis import ENGLISH
from indexes.searching.stop_words import STOP_SURFACES
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.run_state import Draft
from serve.agents.verification import Outcome, verify

_STOP_WORDS: Final = frozenset(term for word in STOP_SURFACES for term in ENGLISH.find_terms(word))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDraft:
    """What is left of a draft.

    Attributes:
        sentences: that hold; one without text stands for a quotation of what it cites.
        faults: place of a sentence that does not hold -> why.
    """

    sentences: tuple[Draft, ...]
    faults: dict[int, str]


def check_draft(draft: Sequence[Draft], evidence: RunEvidence, *, question: str) -> CheckedDraft:
    """Return a draft with quotations in the place of the sentences that do not hold."""
    kept, faults = list[Draft](), dict[int, str]()
    for place, sentence in enumerate(draft):
        text = " ".join(sentence["text"].split())
        cites = [label for label in dict.fromkeys(sentence["cites"]) if evidence.find_citable([label])]
        fault = _find_fault(text, sentence["cites"], evidence, question)
        if fault:
            faults[place] = fault
        if cites:
            kept.append(Draft(text="" if fault else text, cites=cites))
    return CheckedDraft(sentences=tuple(kept), faults=faults)


def _find_fault(text: str, cites: Sequence[str], evidence: RunEvidence, question: str) -> str:
    """Return why a sentence does not hold; empty where it does."""
    unknown = [label for label in cites if not evidence.find_citable([label])]
    if unknown:
        return f"{unknown[0]} is nothing that can be cited"
    verdict = verify(text, evidence.cite(cites))
    if verdict.outcome is not Outcome.SUPPORTED:
        return verdict.reason
    if verdict.rule != "quotation" and not _find_words(text) & _find_words(question):
        return "it has no word of the question"
    return ""


def _find_words(text: str) -> frozenset[str]:
    return frozenset(ENGLISH.find_terms(text)) - _STOP_WORDS
