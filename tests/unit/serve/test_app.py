"""What Ray Serve is told of each part, as the arguments say; nothing is started."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Ray Serve imports is deprecated elsewhere
    from ray.serve.deployment import Application

    from serve.app import build
    from serve.deployments.arguments import Arguments


@pytest.fixture(autouse=True)
def reranker(monkeypatch):
    monkeypatch.setenv("EAGLERAY_RERANKER__MODEL", "a-model")


def list_parts(**given):
    """Return the configuration of each part of the application, by its name."""
    found, waiting = {}, [build(Arguments.model_validate(given))]
    while waiting:
        bound = waiting.pop()._bound_deployment
        found[bound.name] = bound._deployment_config
        given_parts = (*bound.init_args, *bound.init_kwargs.values())
        waiting += [part for part in given_parts if isinstance(part, Application)]
    return found


def show(config):
    """Return how many replicas there are: a number, or the least, the most and the requests for each."""
    scaling = config.autoscaling_config
    if scaling is None:
        return config.num_replicas
    return (scaling.min_replicas, scaling.max_replicas, scaling.target_ongoing_requests)


def test_each_part_has_one_replica_unless_more_are_asked_for():
    counts = {name: show(config) for name, config in list_parts().items()}
    assert counts == {"Ingress": 1, "Encoder": 1, "Searcher": 1, "Ranker": 1, "Writer": 1}


def test_each_part_has_its_own_number_or_range():
    given = {"ingresses": "1-2", "searchers": "2-4", "encoders": "1-3@5", "rankers": 2, "writers": 3}
    counts = {name: show(config) for name, config in list_parts(**given, threads=3).items()}
    ranges = {"Ingress": (1, 2, 32.0), "Encoder": (1, 3, 5.0), "Searcher": (2, 4, 6.0)}
    assert counts == ranges | {"Ranker": 2, "Writer": 3}


def test_the_groups_of_shards_have_the_searchers_range_and_mergers_their_own():
    parts = list_parts(shards=2, searchers="1-3", mergers="1-2", encoders=2)
    counts = {name: show(config) for name, config in parts.items()}
    shards = dict.fromkeys(("Shard0", "Shard1"), (1, 3, 2.0))
    fixed = {"Ingress": 1, "Encoder": 2, "Ranker": 1, "Writer": 1}
    assert counts == fixed | {"Merger": (1, 2, 6.0)} | shards
    assert parts["Merger"].max_ongoing_requests > 6  # it may have the most searchers' steps at work


def test_the_pace_is_that_of_the_arguments():
    scaling = list_parts(searchers="1-2", scale_up_s=1, scale_down_s="20")["Searcher"].autoscaling_config
    assert (scaling.upscale_delay_s, scaling.downscale_delay_s) == (1.0, 20.0)


@pytest.mark.parametrize(
    "given", [{"searchers": "3-1"}, {"encoders": 0}, {"writers": "1-2"}, {"scale_up_s": -1}]
)
def test_arguments_that_do_not_fit_are_refused_by_name(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        build(Arguments.model_validate(given))
