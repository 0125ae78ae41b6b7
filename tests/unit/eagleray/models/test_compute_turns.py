from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from eagleray.models.compute_turns import ComputeTurns, TurnKind
from tests.waiting import block_until

QUESTION, PASSAGE = TurnKind.QUESTION, TurnKind.PASSAGE


class Line:
    """Threads that each take one turn, in the order they came; remembers the order they got it."""

    def __init__(self):
        self.turns, self.order, self.threads = ComputeTurns(), [], []

    def come(self, kind):
        thread = threading.Thread(target=self.take, args=(kind,))
        n_waiting = self.turns.count_waiting(kind)
        self.threads.append(thread)
        thread.start()
        block_until(lambda: self.turns.count_waiting(kind) != n_waiting)

    def take(self, kind):
        with self.turns.take(kind):
            self.order.append(kind)

    @contextmanager
    def held(self):
        with self.turns.take(PASSAGE):
            yield
        for thread in self.threads:
            thread.join(timeout=20)


def test_a_question_goes_before_every_passage_that_waits():
    line = Line()
    with line.held():
        for kind in (PASSAGE, PASSAGE, QUESTION, PASSAGE, QUESTION):
            line.come(kind)
    assert line.order == [QUESTION, QUESTION, PASSAGE, PASSAGE, PASSAGE]


def test_passages_get_their_share_however_many_questions_come():
    line = Line()
    with line.held():
        for _ in range(3):
            line.come(PASSAGE)
        for _ in range(40):
            line.come(QUESTION)
    assert line.order[: 3 * 9] == [*[QUESTION] * 8, PASSAGE] * 3


def test_one_computes_at_a_time_and_an_error_gives_the_turn_on():
    turns, at_work, most = ComputeTurns(), [], []

    def compute(kind):
        for _ in range(50):
            with turns.take(kind):
                at_work.append(kind)
                most.append(len(at_work))
                at_work.pop()

    with pytest.raises(ValueError, match="broken"), turns.take(QUESTION):
        raise ValueError("broken")
    threads = [threading.Thread(target=compute, args=(kind,)) for kind in [QUESTION, PASSAGE] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(most) == 400
    assert max(most) == 1
    assert [turns.count_waiting(kind) for kind in TurnKind] == [0, 0]
