"""A FAISS index any FAISS opens: exact inner product, found by chunk_id. It holds all vectors in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import faiss

from indexes.exchange.blocks import RowBlock

INDEX: Final = "index.faiss"


class FaissSink:
    """Writes `index.faiss`: an `IndexIDMap2` over an `IndexFlatIP`; its ids are the chunk_ids."""

    def __init__(self, folder: Path, *, dim: int) -> None:
        self._path = folder / INDEX
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))

    def write(self, block: RowBlock) -> None:
        """Add the block's vectors under their ids."""
        self._index.add_with_ids(block.vectors, block.rows["chunk_id"].to_numpy())

    def close(self) -> None:
        """Write the file."""
        faiss.write_index(self._index, str(self._path))
