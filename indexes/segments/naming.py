"""Documents as numbers: equal for one doc_id in every segment."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def number_name(name: str) -> int:
    """Return the first 63 bits of the SHA-256 of a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def number_names(names: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return int64 [n]: the number of each name."""
    coded = names.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0)
    numbers = np.array([number_name(name) for name in coded.dictionary.to_pylist()], dtype=np.int64)
    numbered: npt.NDArray[np.int64] = numbers[coded.indices.to_numpy()]
    return numbered
