from __future__ import annotations

import pytest

from benchmarks.load import TimedAnswer
from benchmarks.soak import tell


def make_asked(began, took_s, status=200):
    return TimedAnswer(question=0, began=began, ended=began + took_s, status=status, body=b"")


def test_latencies_are_told_by_fifths_of_the_time_and_errors_counted():
    asked = [make_asked(float(second), 0.001 * (1 + second // 20)) for second in reversed(range(100))]
    asked[3] = make_asked(asked[3].began, 0.001, status=503)
    told = tell(asked, [(float(second), 100.0) for second in range(0, 100, 2)])
    assert told["p50_ms"] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert (told["requests"], told["errors"]) == (100, 1)
    assert told["memory_mb_a_minute"] == pytest.approx(0.0, abs=1e-6)


def test_memory_that_grows_has_its_slope_and_filling_caches_have_none():
    filling = [(float(second), 5.0 * second) for second in range(10)]
    settled = [(float(second), 50.0 + second / 30.0) for second in range(10, 60)]
    told = tell([make_asked(1.0, 0.1)] * 5, [*filling, *settled])
    assert told["memory_mb_a_minute"] == pytest.approx(2.0, abs=0.2)
