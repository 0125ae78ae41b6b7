"""What a question's channels weigh: as it says itself, else as fitted to the collection, else as ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from eagleray.contracts.hits import Ranking
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import FittedRanking
from indexes.fusion.convex import DENSE_WEIGHT

Boosts: TypeAlias = tuple[tuple[TextField, float], ...]
"""Fields besides the body, and what each weighs, above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights that hold for one question.

    Attributes:
        dense: from 0 to 1, share of the dense channel in a convex combination.
        boosts: field -> weight of words in it besides those of the body.
    """

    dense: float
    boosts: Mapping[TextField, float]


def list_boosts(boosts: Mapping[TextField, float]) -> Boosts:
    """Return the fields that count besides the body, in the order in which their scores are added.

    Args:
        boosts: see `Weights`; 0 leaves a field out.
    """
    if not boosts:
        return ()
    return tuple((field, boosts[field]) for field in TextField if boosts.get(field, 0.0) > 0.0)


def choose_weights(ranking: Ranking, fitted: FittedRanking | None) -> Weights:
    """Return the weights of a question.

    Args:
        ranking: what it says itself.
        fitted: to the collection, if anything was.
    """
    dense = DENSE_WEIGHT if fitted is None else fitted.dense_weight
    boosts: Mapping[TextField, float] = {} if fitted is None else fitted.boosts
    return Weights(
        dense=dense if ranking.dense_weight is None else ranking.dense_weight,
        boosts=boosts if ranking.boosts is None else ranking.boosts,
    )
