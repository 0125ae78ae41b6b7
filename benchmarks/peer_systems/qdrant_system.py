"""Qdrant Edge: Qdrant's engine in this process; filters use an index on each column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import qdrant_edge as qdrant

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.ports import FloatMatrix

_BATCH = 1_000


class QdrantEdgeSystem:
    """HNSW as it is by default; settings are hnsw_ef."""

    name = "qdrant"
    settings: tuple[Any, ...] = (16, 32, 64, 128, 256, 512)

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Upsert every row, index the columns, then optimise."""
        config = qdrant.EdgeConfig(
            vectors=qdrant.EdgeVectorParams(size=vectors.shape[1], distance=qdrant.Distance.Dot),
            hnsw_config=qdrant.HnswIndexConfig(
                m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=1
            ),
            optimizers=qdrant.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1_000),
            max_search_threads=1,
        )
        self._shard = qdrant.EdgeShard.create(str(folder / "shard"), config)
        for column in columns:
            self._shard.update(
                qdrant.UpdateOperation.create_field_index(column, qdrant.PayloadSchemaType.Integer)
            )
        for start in range(0, len(vectors), _BATCH):
            points = [
                qdrant.Point(row, vectors[row].tolist(), {name: int(of[row]) for name, of in columns.items()})
                for row in range(start, min(start + _BATCH, len(vectors)))
            ]
            self._shard.update(qdrant.UpdateOperation.upsert_points(points))
        self._shard.optimize()

    def choose(self, setting: Any) -> None:
        """Set hnsw_ef."""
        self._ef = setting

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Return the best ids."""
        condition = None
        if below is not None:
            bound = qdrant.RangeFloat(lt=float(below.value))
            condition = qdrant.Filter(must=[qdrant.FieldCondition(below.column, range=bound)])
        request = qdrant.SearchRequest(
            query=qdrant.Query.Nearest(query.tolist()),
            limit=k,
            filter=condition,
            params=qdrant.SearchParams(hnsw_ef=self._ef),
            with_payload=False,
        )
        return [int(point.id) for point in self._shard.search(request)]

    def supports_filters(self) -> bool:
        """Yes."""
        return True
