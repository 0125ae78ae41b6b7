"""How the last run of a collection ended, and what it did: noted by every run, also by one that read nothing.

It lies in `<collection>/runs/ended.json`, replaced by each run. What is still unread is in `unread`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from eagleray.contracts.collections import Collection
from eagleray.digests import canonical_json
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.runs.layout import locate_ended_run

COUNTS: Final = MappingProxyType(
    {
        "read": "documents_read",
        "new": "documents_new",
        "versions_added": "versions_added",
        "superseded": "superseded",
        "removed": "removed",
        "set_aside": "dead_letters",
    }
)
"""Result -> its name in the report of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """How a run ended.

    Attributes:
        run: its id.
        error: type of the error that ended it, or empty.
        ended_at: microseconds.
        counts: result, a key of `COUNTS` -> documents, or pieces set aside; all 0 for a run that failed.
    """

    run: str
    error: str
    ended_at: int
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_report(cls, report: Mapping[str, Any], *, run: str, error: str, ended_at: int) -> Self:
        """Return the end of a run with that report; an empty one stands for no results."""
        counts = {result: int(report.get(name, 0)) for result, name in COUNTS.items()}
        return cls(run=run, error=error, ended_at=ended_at, counts=counts)


def write_ended_run(collection: Collection, ended: EndedRun) -> None:
    """Note how a run ended, in the place of the run before."""
    note = {"run": ended.run, "error": ended.error, "ended_at": ended.ended_at, "counts": dict(ended.counts)}
    collection.store.write(locate_ended_run(collection.name), canonical_json(note))


def read_ended_run(collection: Collection) -> EndedRun | None:
    """Return how the last run ended; `None` where none has noted it.

    Raises:
        IntegrityError: the note is damaged.
    """
    path = locate_ended_run(collection.name)
    try:
        note = json.loads(collection.store.read(path))
        counts = {result: int(note["counts"][result]) for result in COUNTS}
        return EndedRun(
            run=str(note["run"]), error=str(note["error"]), ended_at=int(note["ended_at"]), counts=counts
        )
    except ObjectNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(path=path, expected="how a run ended", found="other bytes") from error
