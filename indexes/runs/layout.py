"""Names of the objects of runs: where each lies below its collection."""

from __future__ import annotations

import re
from typing import Final

RUNS: Final = "runs"
PLAN: Final = "plan.json"
END: Final = "end.json"
DEAD_LETTERS: Final = "dead.jsonl"
"""Suffix of a shard's file of dead letters."""
POSITIONS: Final = "positions"
UNREAD: Final = "unread"
NO_RUNS: Final = frozenset({POSITIONS, UNREAD})
"""Folders beside those of runs: how far sources were read, and what of them could not be read."""

_RUN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_run_name(run: str) -> bool:
    """Return whether a run may have that name."""
    return _RUN.fullmatch(run) is not None


def locate_run(collection: str, run: str) -> str:
    """Return the folder of a run."""
    return f"{collection}/{RUNS}/{run}"


def locate_unread(collection: str) -> str:
    """Return the folder of the records of what could not be read, one a source."""
    return f"{collection}/{RUNS}/{UNREAD}"


def locate_ended_run(collection: str) -> str:
    """Return the name of the note how the last run ended, also one that read nothing."""
    return f"{collection}/{RUNS}/ended.json"


def locate_last_run(collection: str) -> str:
    """Return the name of the note which run was the last to end."""
    return f"{collection}/{RUNS}/last.json"
