"""Whether vectors are those of a model: a few texts are embedded again and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.errors import InputError

SAMPLE_ROWS: Final = 32
"""Rows that are looked at."""

LEAST_COSINE: Final = 0.99
"""What a row's vector must reach to its text's own: lower-precision backends reach .999."""


def check_model(
    texts: Sequence[str], vectors: FloatMatrix, embedder: Embedder, *, places: Sequence[str]
) -> None:
    """Check that every vector is the one the embedder gives its text.

    Args:
        texts: what is embedded: heading, newline, text.
        vectors: float32 [len(texts), dim], unit L2 norm.
        embedder: of the model the vectors are said to be of.
        places: where each row stands, for the error.

    Raises:
        InputError: one of them is not; names the row that is farthest off.
    """
    own = embedder.embed_passages(texts)
    cosines = np.einsum("ij,ij->i", own, vectors, dtype=np.float64)
    n_off, worst = int((cosines < LEAST_COSINE).sum()), int(np.argmin(cosines))
    if n_off:
        detail = (
            f"{n_off} of {len(texts)} rows looked at have other vectors than {embedder.identity.name} gives "
            f"their text: {places[worst]} has a cosine of {cosines[worst]:.3f}, expected {LEAST_COSINE} or "
            "more; name the model they are of with --model, or take them as they are with --trust-vectors"
        )
        raise InputError(detail=detail)
