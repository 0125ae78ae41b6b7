"""The nearest centroid of each row by torch: on a GPU, or wherever else torch runs.

Takes the place of `matching.NumpyMatcher`; full float32 products, ties by the lower number.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.matching import Match
from indexes.dense.torch_sending import send_blocks
from indexes.dense.vectors import FloatVector

_BLOCK_PRODUCTS: Final = 1 << 26
"""Similarities that exist at once: 256 MB."""


class TorchMatcher:
    """One GEMM a block; rows go to the device block by block, the centroids once."""

    def __init__(self, device: str = "cuda") -> None:
        """Choose a device.

        Args:
            device: `cuda`, `cuda:1`, `cpu`.
        """
        self._device = torch.device(device)

    @torch.inference_mode()
    def match(self, rows: FloatMatrix, centroids: FloatMatrix, *, handicaps: FloatVector | None) -> Match:
        """Return the nearest centroid of each row; see `Matcher`."""
        labels = np.empty(len(rows), dtype=np.int32)
        similarities = np.empty(len(rows), dtype=np.float32)
        theirs = torch.tensor(centroids, device=self._device).T
        held_back = None if handicaps is None else torch.tensor(handicaps, device=self._device)
        step = max(1, _BLOCK_PRODUCTS // len(centroids))
        for block, mine in send_blocks(rows, n=step, device=self._device):
            found = mine @ theirs
            best = (found if held_back is None else found - held_back).argmax(dim=1)
            labels[block] = best.to("cpu", torch.int32).numpy()
            similarities[block] = found.gather(1, best[:, None]).squeeze(1).cpu().numpy()
        return Match(labels=labels, similarities=similarities)
