"""Dead letters of a task, as they are written; and what the next run must know of the last one's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import DeadLetter
from eagleray.digests import canonical_json
from eagleray.documents.dead_letters import DeadLetterTally
from indexes.runs.dead_letters import Letter
from indexes.runs.layout import DEAD_LETTERS, locate_last_run
from ray_jobs.ledger import Ledger

Faults = dict[str, dict[str, int]]
"""Source of dead letters, as rows name it -> reason -> pieces of input that were set aside."""


class TaskLetters:
    """What one task sets aside: of each file so much is listed, and all of it counted.

    Attributes:
        n: pieces of input that were set aside.
        faults: source, as rows name it -> reason -> pieces.
    """

    def __init__(self, letters: Iterable[DeadLetter] = ()) -> None:
        self.n = 0
        self.faults: Faults = {}
        self._tally = DeadLetterTally()
        self._listed: list[DeadLetter] = []
        for letter in letters:
            self.add(letter)

    def add(self, letter: DeadLetter) -> None:
        """Count a dead letter, and list it where few of its file are listed."""
        self.n += letter.n
        reasons = self.faults.setdefault(letter.source, {})
        reasons[letter.reason.value] = reasons.get(letter.reason.value, 0) + letter.n
        if self._tally.add(letter):
            self._listed.append(letter)

    def close(self) -> list[DeadLetter]:
        """Return what is listed."""
        return [*self._listed, *self._tally.close()]

    def write(self, ledger: Ledger, stage: str, key: str) -> None:
        """Write what is listed beside the marker of the task, if there is anything."""
        listed = self.close()
        if listed:
            lines = b"".join(canonical_json(asdict(letter)) + b"\n" for letter in listed)
            ledger.store.write(ledger.locate(stage, key, DEAD_LETTERS), lines)


def find_faulty_parts(letters: Iterable[Letter], source: str) -> frozenset[str]:
    """Return the parts of a source, such as files, that have dead letters."""
    prefix = f"{source}/"
    return frozenset(
        letter["source"].removeprefix(prefix) for letter in letters if letter["source"].startswith(prefix)
    )


def write_last_run(collection: Collection, run_id: str) -> None:
    """Note which run was the last to end."""
    collection.store.write(locate_last_run(collection.name), canonical_json({"run_id": run_id}))
