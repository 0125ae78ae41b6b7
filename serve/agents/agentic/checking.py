"""The sentences of a draft, held against what they cite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from indexes.lexical.analysis import ENGLISH
from indexes.searching.stop_words import STOP_SURFACES
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.run_state import Draft
from serve.agents.checked_sentences import CheckedSentence, check_sentence
from serve.agents.citations import make_citations
from serve.agents.verification import verify

_STOP_WORDS: Final = frozenset(term for word in STOP_SURFACES for term in ENGLISH.find_terms(word))


def check_draft(draft: Sequence[Draft], evidence: RunEvidence, *, question: str) -> list[Draft]:
    """Return the sentences of a draft, each with what it needs to stand on, or why it does not hold."""
    checked = []
    for sentence in draft:
        text = " ".join(sentence["text"].encode(errors="replace").decode().split())
        one = _check(text, sentence["cites"], evidence, question)
        checked.append(Draft(text=text, cites=evidence.label(one.units), fault=one.fault))
    return checked


def _check(text: str, cites: Sequence[str], evidence: RunEvidence, question: str) -> CheckedSentence:
    units = evidence.find_citable(cites)
    unknown = [label for label in cites if not evidence.find_citable([label])]
    fault = f"{unknown[0]} is nothing that can be cited" if unknown else ""
    checked = check_sentence(text, units, fault=fault)
    is_quoted = not checked.fault and verify(text, make_citations(units)).rule == "quotation"
    if checked.fault or is_quoted or _find_words(text) & _find_words(question):
        return checked
    return CheckedSentence(text=text, units=checked.units, fault="it has no word of the question")


def _find_words(text: str) -> frozenset[str]:
    return frozenset(ENGLISH.find_terms(text)) - _STOP_WORDS
