"""An opened segment as the search code sees it: columns and vectors, patches applied.

`opening` makes it from disk; tests make it from arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.indexes import LearntEffort, TextField
from eagleray.contracts.manifests import EmbedderIdentity
from indexes.dense.contracts import DenseIndex
from indexes.dense.ivf import IvfIndex
from indexes.lexical.postings import Postings


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """Rows sorted by (known_from, chunk_id); row `i` is the same row in every field.

    Attributes:
        digest: the segment's name.
        rows: row table without vectors (`indexes.segments.rows`), memory-mapped.
        chunk_ids: int64 [n].
        known_from: int64 [n], ascending, microseconds.
        known_to: int64 [n], microseconds, patches applied.
        documents: int64 [n], equal for the rows of one doc_id, whatever the version;
            the first 63 bits of the SHA-256 of the doc_id, so it agrees across segments.
        embedder: what computed the vectors.
        vectors: float32 [n, dim], C-contiguous, unit L2 norm, memory-mapped.
        group_names: names of the bitmaps; the first is `public`: rows without groups.
        group_bits: uint8 [len(group_names), ceil(n / 8)], little-endian bits, patches applied.
        attributes: attribute name -> types of its values; `attribute_columns` reads them out of `rows`.
        postings: lexical index of each field of the rows.
        inverted: its inverted lists; `None` where every search compares the vectors themselves.
        efforts: learnt for these lists.
        on_device: its vectors on a GPU, compared there; `None` where they are not.
    """

    digest: str
    zone: str
    rows: pa.Table
    chunk_ids: npt.NDArray[np.int64]
    known_from: npt.NDArray[np.int64]
    known_to: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    embedder: EmbedderIdentity
    vectors: npt.NDArray[np.float32]
    group_names: tuple[str, ...]
    group_bits: npt.NDArray[np.uint8]
    attributes: AttributeTypes
    postings: Mapping[TextField, Postings]
    inverted: IvfIndex | None = None
    efforts: tuple[LearntEffort, ...] = ()
    on_device: DenseIndex | None = None

    @property
    def n_rows(self) -> int:
        """Rows in the segment."""
        return len(self.chunk_ids)
