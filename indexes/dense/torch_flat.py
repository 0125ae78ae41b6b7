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
from indexes.dense.torch_sending import send_blocks
from indexes.dense.vectors import FloatVector
from indexes.selections import Selection, check_selection

ROUNDING: Final = 2.0**-9
"""Greatest error of a product: 2^-11 of each factor's size for its rounding, as much again for the
product's sum and result; Cauchy's inequality bounds the sum by the lengths, which are 1. Source: IEEE
754 binary16 has a unit roundoff of 2^-11."""

_STEP: Final = 2.0**-11
"""By how much a bound in half precision may be rounded up."""

_BLOCK_ROWS: Final = 1 << 20


class HalfRows:
    """Rows on a device in half precision, and which of them a search must compare exactly."""

    def __init__(self, rows: torch.Tensor) -> None:
        """Take the rows.

        Args:
            rows: float16 [n_rows, dim], of unit L2 norm before they were rounded.
        """
        self._rows = rows

    @torch.inference_mode()
    def find(self, query: FloatVector, *, k: int, selection: Selection) -> IntVector:
        """Return all selected rows that may be among the `k` nearest: int64 [n], ascending.

        Args:
            query: float32 [dim], unit L2 norm.
            k: rows wanted.
            selection: of as many rows as there are.
        """
        n = selection.n_prefix
        k_found = min(max(k, 1), selection.n_selected)
        if not k_found:
            return np.empty(0, dtype=np.int64)
        products = self._rows[:n] @ torch.tensor(query, device=self._rows.device).half()
        if selection.bits is not None:
            products = torch.where(self._unpack(selection), products, -torch.inf)
        least = products.topk(k_found).values[-1].float()
        found = torch.nonzero(products >= least - 2.0 * ROUNDING - _STEP).squeeze(1)
        rows: IntVector = found.cpu().numpy()
        return rows

    def _unpack(self, selection: Selection) -> torch.Tensor:
        """Return the bits of a selection's prefix on the device: bool [n_prefix]."""
        held = np.ascontiguousarray(selection.bits)[: (selection.n_prefix + 7) // 8]
        packed = torch.tensor(held, device=self._rows.device)
        shifts = torch.arange(8, dtype=torch.uint8, device=self._rows.device)
        return ((packed[:, None] >> shifts) & 1).reshape(-1)[: selection.n_prefix].bool()


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
        self._vectors, self._ids = vectors, ids
        half = torch.empty(vectors.shape, dtype=torch.float16, device=device)
        for block, rows in send_blocks(vectors, n=_BLOCK_ROWS, device=torch.device(device)):
            half[block] = rows.half()
        self._half = HalfRows(half)

    @property
    def n_rows(self) -> int:
        """Rows of the segment."""
        return len(self._vectors)

    def search(self, query: DenseQuery, *, k: int, selection: Selection, effort: Effort) -> Neighbours:  # noqa: ARG002 - the Protocol's
        """Return the best rows of the selection; see `DenseIndex`."""
        check_selection(selection, n_rows=self.n_rows)
        rows = self._half.find(query.vector, k=k, selection=selection)
        return rescore(self._vectors, self._ids, rows, query=query, k=k)
