"""usearch: a graph in memory; its Python interface has no filter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from usearch.index import Index

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.ports import FloatMatrix


class UsearchSystem:
    """Half precision, connectivity 16, as its documentation recommends."""

    name = "usearch"
    settings: tuple[Any, ...] = (16, 32, 64, 96, 128, 192, 256, 512)

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:  # noqa: ARG002 - the Protocol's
        """Insert every row, in one thread."""
        self._index = Index(
            ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=128
        )
        self._index.add(np.arange(len(vectors)), vectors, threads=1)
        self._index.save(str(folder / "index.usearch"))

    def choose(self, setting: Any) -> None:
        """Set the expansion of searches."""
        self._index.expansion_search = setting

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:  # noqa: ARG002 - the Protocol's
        """Return the best keys."""
        return [int(key) for key in self._index.search(query, k, threads=1).keys]

    def supports_filters(self) -> bool:
        """No: predicates exist in its C++ interface alone."""
        return False
