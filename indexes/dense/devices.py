"""Which matcher a device gets."""

from __future__ import annotations

from eagleray.errors import InputError
from indexes.dense.matching import Matcher
from indexes.dense.two_levels import TwoLevelMatcher


def make_matcher(device: str = "cpu") -> Matcher:
    """Return the matcher of a device; libraries are loaded where they are used.

    Args:
        device: `cpu`; `cuda`, by torch; `faiss` for FAISS's GPU build.

    Raises:
        InputError: there is no such GPU, or FAISS cannot use it.
    """
    if device == "cpu":
        return TwoLevelMatcher()
    if device == "faiss":
        from indexes.dense.faiss_matching import FaissMatcher

        return FaissMatcher()
    import torch

    from indexes.dense.torch_matching import TorchMatcher
    from indexes.dense.torch_two_levels import TorchGroupMatcher

    if not torch.cuda.is_available():
        detail = f"index device is {device}, but torch sees no GPU; set EAGLERAY_INDEX__DEVICE=cpu"
        raise InputError(detail=detail)
    return TwoLevelMatcher(TorchMatcher(device), TorchGroupMatcher(device))
