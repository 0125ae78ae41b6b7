"""Dead letters of one file: the first are listed; of those that follow, one of each reason stands for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord

MAX_LISTED: Final = 1_000
"""Dead letters of one file that are listed one by one: enough to see what is wrong with it."""


class DeadLetterTally:
    """Decides which dead letters are listed, and counts all of them."""

    def __init__(self) -> None:
        self._n_listed: Counter[str] = Counter()
        self._first: dict[tuple[str, DeadLetterReason], DeadLetter] = {}
        self._n_held: Counter[tuple[str, DeadLetterReason]] = Counter()

    def add(self, letter: DeadLetter) -> bool:
        """Return whether a dead letter is to be listed now; one that is not counts in those of `close`."""
        if self._n_listed[letter.source] < MAX_LISTED:
            self._n_listed[letter.source] += 1
            return True
        key = (letter.source, letter.reason)
        self._first.setdefault(key, letter)
        self._n_held[key] += letter.n
        return False

    def close(self) -> Iterator[DeadLetter]:
        """Yield, of each file and reason, the first dead letter that was not listed; it stands for all."""
        for key, letter in self._first.items():
            yield replace(letter, n=self._n_held[key])
        self._first.clear()
        self._n_held.clear()


def bound_dead_letters(items: Iterator[RawRecord | DeadLetter]) -> Iterator[RawRecord | DeadLetter]:
    """Yield what a parser finds, with dead letters by the rule of this module; then raise what it raised."""
    tally = DeadLetterTally()
    try:
        for item in items:
            if isinstance(item, RawRecord) or tally.add(item):
                yield item
    except Exception:
        yield from tally.close()
        raise
    yield from tally.close()
