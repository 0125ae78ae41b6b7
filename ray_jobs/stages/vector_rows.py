"""Rows that came with vectors, on the way to their shards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import DELIVERED_SCHEMA
from eagleray.contracts.ports import FloatVector
from ray_jobs.stages.shard_files import ShardWriter

_KEYS: Final = ("chunk_id", "doc_id", "version", "ordinal", "source", "position")
_MAX_GATHERED: Final = 512
"""Rows that become one table: handing on each alone would take longer than making it."""


def make_vector_schema(dim: int) -> pa.Schema:
    """Return the schema of vectors and of the chunks that they belong to."""
    fields = [DELIVERED_SCHEMA.field(name) for name in _KEYS]
    return pa.schema([*fields, pa.field("vector", pa.list_(pa.float32(), dim), nullable=False)])


class VectorRows:
    """Writes rows that came with vectors, some at a time, and their vectors beside them.

    Args:
        rows: writes the rows.
        open_vectors: opens what writes vectors; called when the first one comes.
    """

    def __init__(self, rows: ShardWriter, open_vectors: Callable[[pa.Schema], ShardWriter]) -> None:
        self._rows = rows
        self._open_vectors = open_vectors
        self._vectors: ShardWriter | None = None
        self._gathered: list[pa.Table] = []
        self._matrix: list[FloatVector] = []

    def add(self, row: pa.Table, vector: FloatVector) -> None:
        """Take one chunk row and its vector."""
        self._gathered.append(row)
        self._matrix.append(vector)
        if len(self._gathered) == _MAX_GATHERED:
            self._flush()

    def close(self) -> list[str]:
        """Hand on what is left, and return the paths of the files of vectors."""
        if self._gathered:
            self._flush()
        return [] if self._vectors is None else self._vectors.close()

    def _flush(self) -> None:
        table, matrix = pa.concat_tables(self._gathered).combine_chunks(), np.stack(self._matrix)
        self._gathered, self._matrix = [], []
        self._rows.add(table)
        schema = make_vector_schema(matrix.shape[1])
        column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
        if self._vectors is None:
            self._vectors = self._open_vectors(schema)
        self._vectors.add(table.select(_KEYS).append_column(schema.field("vector"), column))
