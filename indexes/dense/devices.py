"""Which matcher a device gets."""

from __future__ import annotations

from indexes.dense.matching import Matcher
from indexes.dense.two_levels import TwoLevelMatcher


def make_matcher(device: str = "cpu") -> Matcher:
    """Return the matcher of a device: `cpu`, or one that torch knows, such as `cuda`."""
    if device == "cpu":
        return TwoLevelMatcher()
    from indexes.dense.torch_matching import TorchMatcher  # torch is loaded where a GPU is used

    return TwoLevelMatcher(TorchMatcher(device))
