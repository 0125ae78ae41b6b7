"""Chroma: a graph in memory behind SQLite; filters are metadata conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.config import Settings

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.ports import FloatMatrix

_BATCH = 5_000


class ChromaSystem:
    """A persistent collection; settings are ef_search."""

    name = "chroma"
    settings: tuple[Any, ...] = (10, 40, 80, 120, 200, 400)

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Add every row with its columns."""
        client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        configuration: Any = {
            "hnsw": {"space": "ip", "max_neighbors": 32, "ef_construction": 200, "num_threads": 1}
        }
        self._rows = client.create_collection("rows", configuration=configuration, embedding_function=None)
        for start in range(0, len(vectors), _BATCH):
            end = min(start + _BATCH, len(vectors))
            self._rows.add(
                ids=[str(row) for row in range(start, end)],
                embeddings=vectors[start:end],
                metadatas=[
                    {name: int(values[row]) for name, values in columns.items()} for row in range(start, end)
                ],
            )

    def choose(self, setting: Any) -> None:
        """Set ef_search."""
        self._rows.modify(configuration={"hnsw": {"ef_search": setting}})

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Return the best ids."""
        where: Any = None if below is None else {below.column: {"$lt": below.value}}
        found = self._rows.query(query_embeddings=query[None, :], n_results=k, where=where, include=[])
        return [int(row) for row in found["ids"][0]]

    def supports_filters(self) -> bool:
        """Yes."""
        return True
