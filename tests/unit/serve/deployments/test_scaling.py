"""How numbers and ranges of replicas are read, and what Ray Serve is told of them."""

from __future__ import annotations

import pytest

from serve.deployments.scaling import Pace, Replicas, choose_count, read_replicas

PACE = Pace(up_s=3.0, down_s=60.0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (2, Replicas(least=2, most=2)),
        ("2", Replicas(least=2, most=2)),
        ("1-4", Replicas(least=1, most=4)),
        ("2-16@8", Replicas(least=2, most=16, ongoing=8.0)),
        ("1-4@1.5", Replicas(least=1, most=4, ongoing=1.5)),
        (Replicas(least=1, most=3), Replicas(least=1, most=3)),
    ],
)
def test_a_number_or_a_range_is_read(given, expected):
    assert read_replicas(given) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (0, "at least 1"),
        ("0-3", "at least 1"),
        ("4-2", "no more at first than at most"),
        ("1-3@0", "more than 0"),
        ("-1", "as 1-4"),
        ("many", "as 1-4"),
        ("2@8", "as 1-4"),
        ("1-", "as 1-4"),
        (1.5, "as 1-4"),
        (True, "as 1-4"),
        (None, "as 1-4"),
    ],
)
def test_what_is_no_number_of_replicas_is_refused_with_what_came(given, told):
    with pytest.raises(ValueError, match=told) as raised:
        read_replicas(given)
    assert repr(given) in str(raised.value)


@pytest.mark.parametrize("replicas", [Replicas(least=3, most=3), Replicas(least=3, most=3, ongoing=4.0)])
def test_a_number_stays_what_it_is(replicas):
    assert choose_count(replicas, ongoing=2.0, pace=PACE) == {"num_replicas": 3}


@pytest.mark.parametrize(("own", "expected"), [(None, 2.0), (8.0, 8.0)])
def test_a_range_follows_the_load_at_its_pace(own, expected):
    told = choose_count(Replicas(least=2, most=5, ongoing=own), ongoing=2.0, pace=PACE)
    assert set(told) == {"autoscaling_config"}
    scaling = told["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (2, 5)
    assert scaling["target_ongoing_requests"] == expected
    assert (scaling["upscale_delay_s"], scaling["downscale_delay_s"]) == (3.0, 60.0)
