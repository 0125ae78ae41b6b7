"""Turns at computing: one at a time in a process, questions first, passages a share of them.

What computes holds a turn for one batch and asks again for the next one, so that a question waits for one
batch of somebody else's at most, however many passages there are.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

_MOST_QUESTIONS: Final = 8
"""Turns of questions in a row while a passage waits: passages get one turn of nine at least."""


class TurnKind(StrEnum):
    """What is computed in a turn.

    Attributes:
        QUESTION: somebody waits for the answer to a search.
        PASSAGE: texts that are stored, or asked for many at a time.
    """

    QUESTION = "question"
    PASSAGE = "passage"


class ComputeTurns:
    """Gives turns to threads: questions first, each kind in the order it came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[TurnKind, deque[threading.Event]] = {kind: deque() for kind in TurnKind}
        self._is_taken = False
        self._n_in_a_row = 0

    def count_waiting(self, kind: TurnKind) -> int:
        """Return how many threads wait for a turn of a kind."""
        with self._lock:
            return len(self._waiting[kind])

    @contextmanager
    def take(self, kind: TurnKind) -> Iterator[None]:
        """Hold a turn for the length of a block, which must not take another one."""
        self._wait(kind)
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, kind: TurnKind) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            begun = threading.Event()
            self._waiting[kind].append(begun)
        begun.wait()

    def _pass_on(self) -> None:
        """Give the turn to who is next; it stays taken unless nobody waits."""
        with self._lock:
            questions, passages = self._waiting[TurnKind.QUESTION], self._waiting[TurnKind.PASSAGE]
            if questions and not (passages and self._n_in_a_row >= _MOST_QUESTIONS):
                self._n_in_a_row += bool(passages)
                questions.popleft().set()
            elif passages:
                self._n_in_a_row = 0
                passages.popleft().set()
            else:
                self._is_taken, self._n_in_a_row = False, 0
