"""hnswlib: a graph in memory; its filter is a Python function called with each label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hnswlib
import numpy as np
import numpy.typing as npt

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.ports import FloatMatrix


class HnswlibSystem:
    """M = 32 and ef_construction = 200, better here than M = 16 at every recall."""

    name = "hnswlib"
    settings: tuple[Any, ...] = (10, 20, 30, 40, 50, 60, 80, 120, 200, 400, 800)

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Insert every row, in one thread."""
        self._columns, self._path = columns, folder / "index.bin"
        self._index = hnswlib.Index("ip", vectors.shape[1])
        self._index.init_index(len(vectors), M=32, ef_construction=200, random_seed=1)
        self._index.add_items(vectors, num_threads=1)
        self._index.save_index(str(self._path))

    def choose(self, setting: Any) -> None:
        """Set ef."""
        self._index.set_ef(setting)

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Return the best labels; fewer than `k` where the graph ends before."""
        keep = None
        if below is not None:
            column, value = self._columns[below.column], below.value
            k = min(k, value)

            def keep(label: int) -> bool:
                return bool(column[label] < value)

        try:
            found = self._index.knn_query(query, k=k, num_threads=1, filter=keep)[0][0]
        except RuntimeError:  # it found fewer than k, and says so instead of giving them
            return []
        return [int(label) for label in found]

    def supports_filters(self) -> bool:
        """Yes."""
        return True
