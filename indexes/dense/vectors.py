"""What a query vector must be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eagleray.errors import QueryError

FloatVector = npt.NDArray[np.float32]


def check_query(query: FloatVector, *, dim: int) -> FloatVector:
    """Return a query vector as float32 [dim], C-contiguous.

    Raises:
        QueryError: it has another dimension, or a number that is not finite.
    """
    if query.ndim != 1 or query.shape[0] != dim:
        raise QueryError(detail=f"the query vector must have {dim} numbers, found {query.shape}")
    if not np.isfinite(query).all():
        raise QueryError(detail="the query vector holds a number that is not finite")
    return np.ascontiguousarray(query, dtype=np.float32)
