"""The nearest centroid of each row by FAISS's own search: on a GPU, where its GPU build is installed.

Takes the place of `matching.NumpyMatcher`. The package is `faiss-gpu-cu12` or conda's `faiss-gpu-cuvs`, in
the place of `faiss-cpu`, so it has an image of its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import InputError
from indexes.dense.matching import Match
from indexes.dense.vectors import FloatVector

_BLOCK_ROWS: Final = 1 << 18


class FaissMatcher:
    """One exact search of the centroids for each block of rows."""

    def __init__(self, device: str = "cuda") -> None:
        """Choose a device.

        Args:
            device: `cuda`, or `cpu` for the same search by FAISS on CPU.

        Raises:
            InputError: this FAISS has no GPU search, or sees no GPU.
        """
        self._resources: Any = None
        if device == "cpu":
            return
        if not hasattr(faiss, "StandardGpuResources") or not faiss.get_num_gpus():
            detail = "index device is faiss, but this FAISS has no GPU search or sees no GPU"
            hint = "install faiss-gpu-cu12 in the place of faiss-cpu, or set EAGLERAY_INDEX__DEVICE=cpu"
            raise InputError(detail=f"{detail}; {hint}")
        self._resources = faiss.StandardGpuResources()

    def match(self, rows: FloatMatrix, centroids: FloatMatrix, *, handicaps: FloatVector | None) -> Match:
        """Return the nearest centroid of each row; see `Matcher`.

        A handicap is one more number of each centroid, which every row meets with a one. Two centroids come
        back, so that of equal ones the lower number is taken.
        """
        labels = np.empty(len(rows), dtype=np.int32)
        similarities = np.empty(len(rows), dtype=np.float32)
        theirs = centroids if handicaps is None else _append(centroids, -handicaps)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = slice(start, min(start + _BLOCK_ROWS, len(rows)))
            mine = rows[block]
            asked = mine if handicaps is None else _append(mine, np.ones(len(mine), dtype=np.float32))
            scores, found = self._find(asked, theirs, k=min(2, len(centroids)))
            best = np.where(scores == scores[:, :1], found, np.iinfo(np.int64).max).min(axis=1)
            labels[block] = best
            similarities[block] = np.einsum("ij,ij->i", mine, centroids[best])
        return Match(labels=labels, similarities=similarities)

    def _find(
        self, rows: FloatMatrix, centroids: FloatMatrix, *, k: int
    ) -> tuple[FloatMatrix, npt.NDArray[np.int64]]:
        find: Any = faiss.knn if self._resources is None else partial(faiss.knn_gpu, self._resources)
        scores, found = find(rows, centroids, k, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, found


def _append(rows: FloatMatrix, column: FloatVector) -> FloatMatrix:
    return np.ascontiguousarray(np.concatenate([rows, column[:, None]], axis=1), dtype=np.float32)
