from __future__ import annotations

import threading

import pytest


class FakeEngine:
    """An engine that says which snapshot it is of, and refuses to answer once it is closed."""

    def __init__(self, snapshot):
        self.snapshot, self.is_closed, self.n_asked = snapshot, False, 0

    def under(self, asked):
        return (
            self
            if asked.entitled_by == asked.snapshot
            else FakeEngine(f"{self.snapshot} under {asked.entitled_by}")
        )

    def search(self, request, *, vector=None):
        assert not self.is_closed, "asked after it was closed"
        self.n_asked += 1
        return self.snapshot

    def close(self):
        assert not self.is_closed, "closed twice"
        self.is_closed = True


class Opener:
    """Opens fake engines; may be held up, and told which snapshots fail."""

    def __init__(self):
        self.opened, self.failing = [], {}
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, snapshot):
        assert self.gate.wait(timeout=20)
        if snapshot in self.failing:
            raise self.failing[snapshot]
        engine = FakeEngine(snapshot)
        self.opened.append(engine)
        return engine

    def find(self, snapshot):
        """Return the engines that were opened of a snapshot."""
        return [engine for engine in self.opened if engine.snapshot == snapshot]


@pytest.fixture
def opener():
    return Opener()
