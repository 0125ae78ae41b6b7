"""Logistic regression of a few features, held near weights that are known to do."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

DoubleVector = npt.NDArray[np.float64]
DoubleMatrix = npt.NDArray[np.float64]

_RIDGE: Final = 5.0
"""How much a weight is held: as much as some dozen cases."""

_N_STEPS: Final = 50
_DONE: Final = 1e-9
_MOST: Final = 60.0


def fit_logistic(
    features: DoubleMatrix, labels: npt.NDArray[np.bool_], *, shares: DoubleVector, start: DoubleVector
) -> DoubleVector:
    """Return the intercept and the weights of a logistic regression: float64 [1 + n_features].

    Args:
        features: float64 [n, n_features].
        labels: bool [n], whether each is a case.
        shares: float64 [n], how much each counts; all together about `n`.
        start: float64 [1 + n_features], towards which weights are held; the intercept is free.

    Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009), section 4.4.1:
        iteratively reweighted least squares; section 3.4.1 for the ridge, here round `start`.
    """
    given = np.column_stack([np.ones(len(features)), features])
    ridge = np.diag([0.0, *[_RIDGE] * features.shape[1]])
    weights = start.copy()
    for _ in range(_N_STEPS):
        likely = 1.0 / (1.0 + np.exp(-np.clip(given @ weights, -_MOST, _MOST)))
        slope = given.T @ (shares * (labels - likely)) - ridge @ (weights - start)
        doubt = np.maximum(likely * (1.0 - likely), _DONE)
        step = np.linalg.solve((given * (shares * doubt)[:, None]).T @ given + ridge, slope)
        weights = weights + step
        if float(np.abs(step).max()) < _DONE:
            break
    return weights
