"""What a run knows between two of its steps: plain JSON, with ids of what was read and never its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from serve.agents.agentic.budgets import Spending, make_spending

Place = list[int]
"""Chunk id, first character and one past the last of a sentence or row, in its chunk's text."""


class AskedCall(TypedDict):
    """A call of a tool that the model asked for. Its arguments are JSON that is not checked yet."""

    name: str
    arguments: dict[str, Any]


class Draft(TypedDict):
    """A sentence that the model wrote.

    Attributes:
        cites: labels of what it stands on.
        fault: why it does not hold; empty where it does, or was not checked.
    """

    text: str
    cites: list[str]
    fault: str


class Turn(TypedDict):
    """A step that the model is told of.

    Attributes:
        calls: that it asked for.
        note: what came of them in words and figures; no sentence of a document.
        labels: of what was found.
    """

    calls: list[AskedCall]
    note: str
    labels: list[str]


class ModelOutcome(TypedDict):
    """What a model said.

    Attributes:
        calls: that it asked for.
        fault: why it cannot be used; empty where it can.
        ended: why the run ends with it; empty where it does not.
        tokens: read and written.
    """

    text: str
    calls: list[AskedCall]
    fault: str
    ended: str
    tokens: list[int]


class ToolOutcome(TypedDict):
    """What came of a call of a tool; see `Turn` and `AgentState` for its members."""

    note: str
    labels: list[str]
    searches: list[dict[str, Any]]
    suspects: list[str]
    places: dict[str, Place]
    snapshot: str
    ended: str


class AgentState(TypedDict):
    """Of one run.

    Attributes:
        scope: digest of what all of its calls are held to.
        snapshot: id of the one that answers.
        plan: what the model set out to do.
        is_planned: whether it was asked.
        turns: in their order.
        pending: calls that are still to be made.
        places: label -> where it stands.
        searches: what was searched for, so that what was read can be read again.
        suspects: documents with text that reads like an instruction.
        draft: the answer that is to be checked; `None` where there is none yet.
        checked: the sentences of the last draft, after they were.
        is_answered: whether there is nothing left to do.
        n_repairs: times that the model was told what does not hold.
        n_faults: replies in a row that could not be used.
        asked: digest of a call -> times that it was asked for.
        spent: so far.
        ended: why the run ended early; empty where it did not.
    """

    scope: str
    snapshot: str
    plan: list[str]
    is_planned: bool
    turns: list[Turn]
    pending: list[AskedCall]
    places: dict[str, Place]
    searches: list[dict[str, Any]]
    suspects: list[str]
    draft: list[Draft] | None
    checked: list[Draft]
    is_answered: bool
    n_repairs: int
    n_faults: int
    asked: dict[str, int]
    spent: Spending
    ended: str


Update = Mapping[str, Any]
"""Members of a state that a step changes."""


def make_state(*, scope: str) -> AgentState:
    """Return the state of a run that has not begun."""
    return AgentState(
        scope=scope,
        snapshot="",
        plan=[],
        is_planned=False,
        turns=[],
        pending=[],
        places={},
        searches=[],
        suspects=[],
        draft=None,
        checked=[],
        is_answered=False,
        n_repairs=0,
        n_faults=0,
        asked={},
        spent=make_spending(),
        ended="",
    )
