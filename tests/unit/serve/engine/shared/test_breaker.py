from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from eagleray.testing import ManualClock
from serve.engine.shared.breaker import Breaker, BreakerState


def test_after_a_failure_nothing_is_asked_until_the_pause_is_over_and_then_one():
    clock = ManualClock()
    breaker = Breaker(pause_s=2.0, now=clock)
    assert breaker.enter()
    assert breaker.enter()
    breaker.fail()
    clock.now_s = 1.9
    assert not breaker.enter()
    clock.now_s = 2.0
    assert breaker.enter()
    assert breaker.state is BreakerState.TRYING
    assert not breaker.enter()
    breaker.fail()
    clock.now_s = 3.9
    assert not breaker.enter()
    clock.now_s = 4.0
    assert breaker.enter()
    breaker.succeed()
    assert breaker.enter()
    assert breaker.state is BreakerState.CLOSED


def test_a_trial_that_nobody_waits_for_leaves_its_place_to_another():
    clock = ManualClock()
    breaker = Breaker(pause_s=1.0, now=clock)
    breaker.fail()
    clock.now_s = 1.0
    assert breaker.enter()
    breaker.withdraw()
    assert breaker.enter()
    breaker.succeed()
    breaker.withdraw()
    assert breaker.state is BreakerState.CLOSED


@given(steps=st.lists(st.tuples(st.floats(0.0, 0.7), st.booleans()), max_size=80))
def test_a_store_that_is_down_is_asked_once_a_pause_at_most(steps):
    clock, asked = ManualClock(), []
    breaker = Breaker(pause_s=1.0, now=clock)
    for wait_s, is_withdrawn in steps:
        clock.now_s += wait_s
        if breaker.enter():
            if is_withdrawn and asked:
                breaker.withdraw()
                continue
            asked.append(clock.now_s)
            breaker.fail()
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(asked))
