"""The nearest of very many centroids by torch: the groups of `two_levels`, on a GPU or elsewhere."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from eagleray.contracts.ports import FloatMatrix
from indexes.dense.matching import Match
from indexes.dense.torch_sending import send_blocks
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
        sent = _Sent(centroids, groups, handicaps, device=self._device)
        for block, mine in send_blocks(rows, n=_BLOCK_ROWS, device=self._device):
            found, scores = _match_block(mine, sent)
            labels[block] = found.to("cpu", torch.int32).numpy()
            similarities[block] = scores.cpu().numpy()
        return Match(labels=labels, similarities=similarities)


class _Sent:
    """Centroids on the device, those of a group side by side."""

    def __init__(
        self, centroids: FloatMatrix, groups: Groups, handicaps: FloatVector | None, *, device: torch.device
    ) -> None:
        self.centres = torch.tensor(groups.centres, device=device)
        self.members = torch.tensor(groups.members, device=device)
        self.centroids = torch.tensor(centroids[groups.members], device=device)
        self.held_back = None if handicaps is None else torch.tensor(handicaps[groups.members], device=device)
        self.starts, self.n_near = groups.starts.tolist(), groups.n_near


def _match_block(rows: torch.Tensor, sent: _Sent) -> tuple[torch.Tensor, torch.Tensor]:
    """Return label and similarity of each row of a block; the device is waited for once."""
    near = (rows @ sent.centres.T).topk(sent.n_near, dim=1).indices.ravel()
    pairs = torch.argsort(near, stable=True)
    owners = pairs // sent.n_near
    groups = torch.arange(len(sent.centres) + 1, device=rows.device)
    bounds = torch.searchsorted(near[pairs], groups).tolist()
    marks = torch.full((len(pairs),), -torch.inf, device=rows.device)
    similarities = torch.full_like(marks, -torch.inf)
    numbers = torch.full((len(pairs),), len(sent.members), device=rows.device)
    for group in range(len(sent.centres)):
        span = slice(bounds[group], bounds[group + 1])
        members = slice(sent.starts[group], sent.starts[group + 1])
        if span.start == span.stop or members.start == members.stop:
            continue
        found = rows[owners[span]] @ sent.centroids[members].T
        judged = found if sent.held_back is None else found - sent.held_back[members]
        marks[span], best = judged.max(dim=1)
        similarities[span] = found.gather(1, best[:, None]).squeeze(1)
        numbers[span] = sent.members[members][best]
    return _choose(pairs, marks, similarities, numbers, n_near=sent.n_near)


def _choose(
    pairs: torch.Tensor,
    marks: torch.Tensor,
    similarities: torch.Tensor,
    numbers: torch.Tensor,
    *,
    n_near: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's best of its pairs, ties by the lower number.

    Args:
        pairs: int64 [n_rows * n_near], the places that marks, similarities and numbers belong to.
        marks: float32, by which they are compared.
        similarities: float32.
        numbers: int64, of centroids.
        n_near: pairs a row has.
    """
    places = torch.empty_like(pairs)
    places[pairs] = torch.arange(len(pairs), device=pairs.device)
    places = places.view(-1, n_near)
    compared, candidates = marks[places], numbers[places]
    is_best = compared == compared.max(dim=1, keepdim=True).values
    labels, chosen = torch.where(is_best, candidates, torch.iinfo(torch.int64).max).min(dim=1)
    return labels, similarities[places.gather(1, chosen[:, None]).squeeze(1)]
