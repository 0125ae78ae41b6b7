"""Exact search on a GPU: half-precision products find what may belong, stored vectors decide.

A product of unit vectors in half precision is off by at most `ROUNDING`. So every row whose product is
within twice that of the k-th best is compared once more, and nothing that belongs is missed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.contracts import Effort
from indexes.dense.flat import rescore
from indexes.dense.neighbours import IntVector, Neighbours
from indexes.dense.queries import DenseQuery
from indexes.selections import Selection, check_selection

ROUNDING: Final = 2.0**-9
"""Greatest error of a product: 2^-11 of each factor's size for its rounding, as much again for the
product's sum and result; Cauchy's inequality bounds the sum by the lengths, which are 1. Source: IEEE
754 binary16 has a unit roundoff of 2^-11."""

_BLOCK_ROWS: Final = 1 << 20


class TorchFlatIndex:
    """Compares the query with every selected row; its vectors lie on the device in half precision."""

    kind: Final = IndexKind.FLAT

    def __init__(self, vectors: FloatMatrix, ids: IntVector, *, device: str = "cuda") -> None:
        """Bring the rows to the device.

        Args:
            vectors: float32 [n_rows, dim], C-contiguous, unit L2 norm; they stay where the final
                comparison reads them.
            ids: int64 [n_rows], chunk_ids, by which ties are broken.
            device: `cuda`, `cuda:1`, `cpu`.
        """
        self._vectors, self._ids, self._device = vectors, ids, torch.device(device)
        self._half = torch.empty(vectors.shape, dtype=torch.float16, device=self._device)
        for start in range(0, len(vectors), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            self._half[block] = torch.tensor(vectors[block], device=self._device).half()

    @property
    def n_rows(self) -> int:
        """Rows of the segment."""
        return len(self._vectors)

    @torch.inference_mode()
    def search(self, query: DenseQuery, *, k: int, selection: Selection, effort: Effort) -> Neighbours:  # noqa: ARG002 - the Protocol's
        """Return the best rows of the selection; see `DenseIndex`."""
        check_selection(selection, n_rows=self.n_rows)
        n = selection.n_prefix
        if n:
            asked = torch.tensor(query.vector, device=self._device).half()
            products = (self._half[:n] @ asked).float()
            if selection.bits is not None:
                products = torch.where(self._unpack(selection), products, -torch.inf)
            k_found = min(max(k, 1), selection.n_selected)
            least = products.topk(k_found).values[-1] if k_found else torch.inf
            rows = torch.nonzero(products >= least - 2.0 * ROUNDING).squeeze(1).cpu().numpy()
        else:
            rows = np.empty(0, dtype=np.int64)
        return rescore(self._vectors, self._ids, rows, query=query, k=k)

    def _unpack(self, selection: Selection) -> torch.Tensor:
        """Return the bits of a selection's prefix on the device: bool [n_prefix]."""
        held = np.ascontiguousarray(selection.bits)[: (selection.n_prefix + 7) // 8]
        packed = torch.tensor(held, device=self._device)
        shifts = torch.arange(8, dtype=torch.uint8, device=self._device)
        return ((packed[:, None] >> shifts) & 1).reshape(-1)[: selection.n_prefix].bool()
