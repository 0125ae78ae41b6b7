"""The nearest of very many centroids by torch: the groups of `two_levels`, on a GPU or elsewhere."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.matching import Match
from indexes.dense.two_levels import Groups
from indexes.dense.vectors import FloatVector

_BLOCK_ROWS: Final = 1 << 17
"""Rows on the device at once: 512 MB at 1,024 numbers a row."""


class TorchGroupMatcher:
    """Holds the device; see `two_levels.MatchGroups`."""

    def __init__(self, device: str = "cuda") -> None:
        """Choose a device.

        Args:
            device: `cuda`, `cuda:1`, `cpu`.
        """
        self._device = torch.device(device)

    @torch.inference_mode()
    def __call__(
        self, rows: FloatMatrix, centroids: FloatMatrix, groups: Groups, *, handicaps: FloatVector | None
    ) -> Match:
        """Match group by group, each with one GEMM a block."""
        labels = np.empty(len(rows), dtype=np.int32)
        similarities = np.empty(len(rows), dtype=np.float32)
        held_back = np.zeros(len(centroids), dtype=np.float32) if handicaps is None else handicaps
        sent = _Sent(centroids, groups, held_back, device=self._device)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = slice(start, min(start + _BLOCK_ROWS, len(rows)))
            found, scores = _match_block(torch.tensor(rows[block], device=self._device), sent)
            labels[block] = found.to("cpu", torch.int32).numpy()
            similarities[block] = scores.cpu().numpy()
        return Match(labels=labels, similarities=similarities)


class _Sent:
    """Centroids on the device, those of a group side by side."""

    def __init__(
        self, centroids: FloatMatrix, groups: Groups, held_back: FloatVector, *, device: torch.device
    ) -> None:
        self.centres = torch.tensor(groups.centres, device=device)
        self.members = torch.tensor(groups.members, device=device)
        self.centroids = torch.tensor(centroids[groups.members], device=device)
        self.held_back = torch.tensor(held_back[groups.members], device=device)
        self.starts, self.n_near = groups.starts.tolist(), groups.n_near


def _match_block(rows: torch.Tensor, sent: _Sent) -> tuple[torch.Tensor, torch.Tensor]:
    """Return label and similarity of each row of a block."""
    near = (rows @ sent.centres.T).topk(sent.n_near, dim=1).indices.ravel()
    pairs = torch.argsort(near, stable=True)
    owners = pairs // sent.n_near
    numbers = torch.arange(len(sent.centres) + 1, device=rows.device)
    bounds = torch.searchsorted(near[pairs], numbers).tolist()
    labels = torch.full((len(rows),), len(sent.members), device=rows.device)
    similarities = torch.full((len(rows),), -torch.inf, device=rows.device)
    compared = similarities.clone()
    for group in range(len(sent.centres)):
        mine = owners[bounds[group] : bounds[group + 1]]
        members = slice(sent.starts[group], sent.starts[group + 1])
        if not len(mine) or members.start == members.stop:
            continue
        found = rows[mine] @ sent.centroids[members].T
        mark, best = (found - sent.held_back[members]).max(dim=1)
        number = sent.members[members][best]
        is_better = (mark > compared[mine]) | ((mark == compared[mine]) & (number < labels[mine]))
        better = mine[is_better]
        compared[better], labels[better] = mark[is_better], number[is_better]
        similarities[better] = found.gather(1, best[:, None]).squeeze(1)[is_better]
    return labels, similarities
