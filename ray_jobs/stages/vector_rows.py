"""Vectors that came with rows, on the way to the shard of their chunks."""

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
"""Rows whose vectors become one table: a table a row takes longer to make than all else."""


def make_vector_schema(dim: int) -> pa.Schema:
    """Return the schema of vectors and of the chunks that they belong to."""
    fields = [DELIVERED_SCHEMA.field(name) for name in _KEYS]
    return pa.schema([*fields, pa.field("vector", pa.list_(pa.float32(), dim), nullable=False)])


class VectorRows:
    """Writes vectors by shard as they come; makes no file where none does.

    Args:
        open_writer: opens what writes rows of a schema.
    """

    def __init__(self, open_writer: Callable[[pa.Schema], ShardWriter]) -> None:
        self._open_writer = open_writer
        self._writer: ShardWriter | None = None
        self._rows: list[pa.Table] = []
        self._vectors: list[FloatVector] = []

    def add(self, row: pa.Table, vector: FloatVector) -> None:
        """Take the vector of one chunk row."""
        self._rows.append(row.select(_KEYS))
        self._vectors.append(vector)
        if len(self._rows) == _MAX_GATHERED:
            self._flush()

    def close(self) -> list[str]:
        """Write what is left and return the paths of the files."""
        if self._rows:
            self._flush()
        return [] if self._writer is None else self._writer.close()

    def _flush(self) -> None:
        matrix = np.stack(self._vectors)
        schema = make_vector_schema(matrix.shape[1])
        column = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
        table = pa.concat_tables(self._rows).append_column(schema.field("vector"), column)
        self._rows, self._vectors = [], []
        if self._writer is None:
            self._writer = self._open_writer(schema)
        self._writer.add(table.combine_chunks())
