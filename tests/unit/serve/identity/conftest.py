from __future__ import annotations

import pytest

from serve.identity.clocks import IdentityClock


class FakeClock:
    """A clock that stands still until it is turned."""

    def __init__(self, now_s=1_700_000_000.0):
        self.now_s, self.elapsed_s = now_s, 50.0

    def turn(self, seconds):
        self.now_s += seconds
        self.elapsed_s += seconds

    def read(self):
        return IdentityClock(now_s=lambda: self.now_s, elapsed_s=lambda: self.elapsed_s)


@pytest.fixture
def clock():
    return FakeClock()
