"""NumPy files, filled in place: vectors as a matrix, ids beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from indexes.exchange.blocks import RowBlock

VECTORS: Final = "vectors.npy"
IDS: Final = "ids.npy"


class NpySink:
    """Writes `vectors.npy`, float32 [n_rows, dim]."""

    def __init__(self, folder: Path, *, n_rows: int, dim: int) -> None:
        self._matrix = _open(folder / VECTORS, dtype=np.float32, shape=(n_rows, dim))
        self._n_written = 0

    def write(self, block: RowBlock) -> None:
        """Put the block's vectors behind those before."""
        end = self._n_written + len(block.vectors)
        self._matrix[self._n_written : end] = block.vectors
        self._n_written = end

    def close(self) -> None:
        """Write what is left in memory."""
        self._matrix.flush()


class IdsSink:
    """Writes `ids.npy`: the chunk_ids, int64 [n_rows]."""

    def __init__(self, folder: Path, *, n_rows: int) -> None:
        self._ids = _open(folder / IDS, dtype=np.int64, shape=(n_rows,))
        self._n_written = 0

    def write(self, block: RowBlock) -> None:
        """Put the block's ids behind those before."""
        end = self._n_written + block.rows.num_rows
        self._ids[self._n_written : end] = block.rows["chunk_id"].to_numpy()
        self._n_written = end

    def close(self) -> None:
        """Write what is left in memory."""
        self._ids.flush()


def _open(path: Path, *, dtype: Any, shape: tuple[int, ...]) -> Any:
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape, version=(1, 0))
