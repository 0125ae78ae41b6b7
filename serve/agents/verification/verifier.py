"""Holds a statement against what it cites, rule by rule; needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from eagleray.contracts.cited_answers import Citation
from serve.agents.verification.case import read_case
from serve.agents.verification.rules import RULES


class Outcome(StrEnum):
    """Whether a statement holds; what is undecided is refused as what does not hold is."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerdict:
    """What became of a statement.

    Attributes:
        outcome: whether it holds.
        rule: that decided; empty where none objected.
        reason: in words.
    """

    outcome: Outcome
    rule: str = ""
    reason: str = ""


_OUTCOMES = {True: Outcome.SUPPORTED, False: Outcome.UNSUPPORTED, None: Outcome.UNDECIDED}


def verify(claim: str, citations: Sequence[Citation]) -> ClaimVerdict:
    """Return whether a statement holds in what it cites.

    Args:
        claim: its text.
        citations: that it stands on.
    """
    case = read_case(claim, citations)
    for rule in RULES:
        finding = rule.check(case)
        if finding is not None:
            outcome = _OUTCOMES[finding.is_supported]
            return ClaimVerdict(outcome=outcome, rule=rule.name, reason=finding.reason)
    return ClaimVerdict(outcome=Outcome.SUPPORTED, reason="no rule objects")
