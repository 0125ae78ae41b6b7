from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import QuotaError
from eagleray.testing import ManualClock
from serve.engine.quotas import MAX_HOLDERS, Quota


def take(quota, *asked, **named):
    asyncio.run(quota.take(*asked, **named))


def test_a_subject_has_its_own_bucket_and_it_fills_again():
    clock = ManualClock()
    quota = Quota(2.0, burst_s=1.5, what="requests", now=clock)
    for _ in range(3):
        take(quota, "ann")
    with pytest.raises(QuotaError, match="2.0 requests a second") as refused:
        take(quota, "ann")
    assert (refused.value.retry_after_s, refused.value.left, refused.value.most) == (0.5, 0, 3)
    take(quota, "bob")
    clock.now_s = 0.5
    take(quota, "ann")
    with pytest.raises(QuotaError):
        take(quota, "ann")


def test_what_is_taken_of_one_collection_is_none_of_anothers():
    quota = Quota(1.0, burst_s=1.0, what="requests", now=ManualClock(), default="notes")
    for collection in ("notes", "bonds"):
        take(quota, "ann", collection=collection)
        with pytest.raises(QuotaError):
            take(quota, "ann", collection=collection)
    with pytest.raises(QuotaError):
        take(quota, "ann")  # which is about the default one
    take(quota, "bob")


def test_more_than_a_bucket_holds_is_taken_when_it_is_full_and_paid_for():
    clock = ManualClock()
    quota = Quota(10.0, burst_s=1.0, what="texts", now=clock)
    take(quota, "ann", 50)
    with pytest.raises(QuotaError) as refused:
        take(quota, "ann", 1)
    assert refused.value.retry_after_s == 4.1
    clock.now_s = 4.1
    take(quota, "ann", 1)


@given(steps=st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(1, 5)), max_size=60))
def test_no_more_is_taken_than_the_rate_allows(steps):
    clock, taken = ManualClock(), 0
    quota = Quota(3.0, burst_s=2.0, what="requests", now=clock)
    for wait_s, n in steps:
        clock.now_s += wait_s
        try:
            take(quota, "ann", n)
            taken += n
        except QuotaError as refused:
            assert refused.retry_after_s > 0.0
        assert taken <= 6.0 + 3.0 * clock.now_s + 1e-6


def test_no_rate_bounds_nothing_and_subjects_are_forgotten_in_their_order():
    unbound = Quota(0.0, burst_s=1.0, what="requests")
    for _ in range(1_000):
        take(unbound, "ann")
    quota = Quota(1.0, burst_s=1.0, what="requests", now=ManualClock())
    for number in range(MAX_HOLDERS + 5):
        take(quota, str(number))
    assert quota.n_holders == MAX_HOLDERS
    with pytest.raises(QuotaError):
        take(quota, str(MAX_HOLDERS))
