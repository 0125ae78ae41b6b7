"""fvecs: each vector behind its length.

Source: http://corpus-texmex.irisa.fr, "Vector file formats": int32 dim, then float32 [dim], little-endian.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from indexes.exchange.blocks import RowBlock

FVECS: Final = "vectors.fvecs"


class FvecsSink:
    """Writes `vectors.fvecs`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FVECS

    def write(self, block: RowBlock) -> None:
        """Append the block's vectors."""
        n_rows, dim = block.vectors.shape
        records = np.empty((n_rows, dim + 1), dtype="<f4")
        records[:, 0] = np.array([dim], dtype="<i4").view("<f4")
        records[:, 1:] = block.vectors
        with self._path.open("ab") as file:
            file.write(records.tobytes())

    def close(self) -> None:
        """Do nothing: each block was written whole."""
