"""LanceDB: inverted lists on disk, filters before the search, scalar indexes on the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.ports import FloatMatrix


class LanceDbSystem:
    """IVF-PQ with its defaults; settings are (nprobes, refine_factor)."""

    name = "lancedb"
    settings: tuple[Any, ...] = ((10, 5), (20, 5), (20, 10), (50, 10), (100, 10), (200, 20), (1000, 30))

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Write the table, then its indexes."""
        values = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
        rows = pa.table({"id": np.arange(len(vectors)), "vector": values, **columns})
        self._table = lancedb.connect(str(folder)).create_table("rows", rows)
        self._table.create_index(metric="dot", vector_column_name="vector", index_type="IVF_PQ")
        for column in columns:
            self._table.create_scalar_index(column)

    def choose(self, setting: Any) -> None:
        """Set nprobes and the refine factor."""
        self._n_probes, self._refine = setting

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Return the best ids."""
        search = self._table.search(query).distance_type("dot").nprobes(self._n_probes)
        search = search.refine_factor(self._refine).select(["id"])
        if below is not None:
            search = search.where(f"{below.column} < {below.value}", prefilter=True)
        found: list[int] = search.limit(k).to_arrow()["id"].to_pylist()
        return found

    def supports_filters(self) -> bool:
        """Yes."""
        return True
