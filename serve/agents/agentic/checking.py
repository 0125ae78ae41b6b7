"""The sentences of a draft, held against what they cite."""

from __future__ import annotations

from collections.abc import Sequence

from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.run_state import Draft
from serve.agents.checked_sentences import CheckedSentence, check_sentence


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
    return check_sentence(text, units, question=question, fault=fault)
