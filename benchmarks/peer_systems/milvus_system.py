"""Milvus Lite: Milvus in one process, on one file; filters are expressions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pymilvus import DataType, MilvusClient

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.ports import FloatMatrix

_BATCH = 5_000


class MilvusLiteSystem:
    """HNSW; settings are ef."""

    name = "milvus-lite"
    settings: tuple[Any, ...] = (16, 32, 64, 128, 256, 512)

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Insert every row, then make the index and load it."""
        self._client = MilvusClient(str(folder / "rows.db"))
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        for column in columns:
            schema.add_field(column, DataType.INT64)
        index = self._client.prepare_index_params()
        index.add_index(
            "vector", index_type="HNSW", metric_type="IP", params={"M": 32, "efConstruction": 200}
        )
        self._client.create_collection("rows", schema=schema, index_params=index)
        for start in range(0, len(vectors), _BATCH):
            end = min(start + _BATCH, len(vectors))
            rows = [
                {"id": row, "vector": vectors[row], **{name: int(of[row]) for name, of in columns.items()}}
                for row in range(start, end)
            ]
            self._client.insert("rows", rows)
        self._client.flush("rows")
        self._client.load_collection("rows")

    def choose(self, setting: Any) -> None:
        """Set ef."""
        self._ef = setting

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Return the best ids."""
        found = self._client.search(
            "rows",
            data=[query.tolist()],
            limit=k,
            filter="" if below is None else f"{below.column} < {below.value}",
            search_params={"metric_type": "IP", "params": {"ef": max(self._ef, k)}},
        )
        return [int(hit["id"]) for hit in found[0]]

    def supports_filters(self) -> bool:
        """Yes."""
        return True
