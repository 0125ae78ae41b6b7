"""Rows whose segments are opened in this process, as a source of answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eagleray.contracts.ports import FloatMatrix
from indexes.searching.channels import Channel
from indexes.searching.pools import Pool, gather_pool
from indexes.searching.ranking import Ranked
from indexes.searching.targets import Target


class LocalSource:
    """The rows of some targets; see `Source`."""

    def __init__(self, targets: Sequence[Target], channels: Sequence[Channel]) -> None:
        """Take the rows.

        Args:
            targets: one a segment.
            channels: score them; at least one.
        """
        self._targets, self._channels = targets, channels

    @property
    def n_channels(self) -> int:
        """Ways in which rows are scored."""
        return len(self._channels)

    def look(self, n: int) -> Pool:
        """Return the `n` best rows of each channel; see `Source`."""
        return gather_pool(self._targets, self._channels, n)

    def read_vectors(self, ranked: Sequence[Ranked]) -> FloatMatrix:
        """Return the vectors of some rows; see `Source`."""
        return np.stack([self._targets[item.part].view.vectors[item.row] for item in ranked])
