from __future__ import annotations

import numpy as np

from indexes.evaluation.logistic import fit_logistic


def draw(rng, n, weights):
    features = rng.random((n, len(weights) - 1))
    likely = 1 / (1 + np.exp(-(weights[0] + features @ weights[1:])))
    return features, rng.random(n) < likely


def find_loss(found, features, labels, shares, start, ridge):
    odds = found[0] + features @ found[1:]
    told = np.where(labels, np.logaddexp(0.0, -odds), np.logaddexp(0.0, odds))
    return float((shares * told).sum() + ridge / 2 * ((found - start)[1:] ** 2).sum())


def test_weights_that_drew_many_cases_are_found_again(rng):
    true = np.array([-2.0, 5.0, -3.0])
    features, labels = draw(rng, 60_000, true)
    found = fit_logistic(features, labels, shares=np.ones(len(labels)), start=np.zeros(3))
    assert np.allclose(found, true, atol=0.15)


def test_no_step_from_the_weights_lowers_the_penalised_loss(rng):
    start = np.array([0.0, 2.0, -1.0])
    features, labels = draw(rng, 200, np.array([-2.0, 5.0, -3.0]))
    shares = rng.random(200) * 2
    found = fit_logistic(features, labels, shares=shares, start=start)
    given = (features, labels, shares, start, 5.0)
    least = find_loss(found, *given)
    for place in range(3):
        for step in (-1e-3, 1e-3):
            moved = found.copy()
            moved[place] += step
            assert find_loss(moved, *given) > least


def test_cases_that_a_feature_tells_apart_leave_its_weight_finite_and_a_useless_one_at_its_start(rng):
    features = np.column_stack([np.repeat([0.0, 1.0], 50), np.zeros(100)])
    found = fit_logistic(
        features, features[:, 0] > 0.5, shares=np.ones(100), start=np.array([0.0, 1.0, -4.0])
    )
    assert 1.0 < found[1] < 20.0
    assert found[2] == -4.0
