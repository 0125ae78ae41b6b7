"""Parquet: one file, a row group a block; the vectors as its last column, or beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.contracts.exchange import VECTOR
from eagleray.contracts.ports import FloatMatrix
from indexes.exchange.blocks import RowBlock

ROWS: Final = "rows.parquet"


def add_vector_field(schema: pa.Schema, dim: int) -> pa.Schema:
    """Return the schema with a column of vectors behind the others."""
    return schema.append(pa.field(VECTOR, pa.list_(pa.float32(), dim), nullable=False))


def add_vectors(rows: pa.Table, vectors: FloatMatrix) -> pa.Table:
    """Return the rows with their vectors as the last column."""
    dim = vectors.shape[1]
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dim)
    return pa.Table.from_arrays([*rows.columns, column], schema=add_vector_field(rows.schema, dim))


class ParquetSink:
    """Writes `rows.parquet`."""

    def __init__(self, folder: Path, *, schema: pa.Schema, dim: int | None) -> None:
        """Open the file.

        Args:
            folder: where it will lie.
            schema: of the rows without vectors.
            dim: numbers of a vector; `None` where the vectors go elsewhere.
        """
        self._has_vectors = dim is not None
        whole = schema if dim is None else add_vector_field(schema, dim)
        self._writer = pq.ParquetWriter(folder / ROWS, whole, compression="zstd", use_dictionary=False)

    def write(self, block: RowBlock) -> None:
        """Write the block as one row group."""
        table = add_vectors(block.rows, block.vectors) if self._has_vectors else block.rows
        self._writer.write_table(table, row_group_size=table.num_rows)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()
