"""Which files each format is made of, and the blocks poured into them.

A sink, which writes one format, is what `Sink` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from eagleray.contracts.exchange import ExchangeFormat
from indexes.dense.codebooks import Codebook
from indexes.exchange.blocks import RowBlock
from indexes.exchange.sinks.faiss import FaissSink
from indexes.exchange.sinks.faiss_ivf import FaissIvfSink
from indexes.exchange.sinks.fvecs import FvecsSink
from indexes.exchange.sinks.lance import write_lance
from indexes.exchange.sinks.npy import IdsSink, NpySink
from indexes.exchange.sinks.parquet import ParquetSink


class Sink(Protocol):
    """Takes the blocks of an export in order; its files are whole once it is closed."""

    def write(self, block: RowBlock) -> None:
        """Append the rows of a block."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixShape:
    """What is known of an export before its rows.

    Attributes:
        n_rows: rows in all.
        dim: numbers of a vector.
        schema: of the rows without vectors.
        codebook: of the inverted lists, where the format has some.
    """

    n_rows: int
    dim: int
    schema: pa.Schema
    codebook: Codebook | None = None


def write_files(
    kind: ExchangeFormat, folder: Path, blocks: Iterable[RowBlock], *, shape: MatrixShape
) -> None:
    """Write the files of a format into a folder.

    Args:
        kind: the format.
        folder: an empty folder.
        blocks: `shape.n_rows` rows in all.
        shape: of the whole.

    Raises:
        InputError: the format cannot hold the rows.
        MissingExtraError: the format's package is not installed.
    """
    if kind is ExchangeFormat.LANCE:
        write_lance(folder, blocks, schema=shape.schema, dim=shape.dim)
        return
    sinks = _open_sinks(kind, folder, shape)
    for block in blocks:
        for sink in sinks:
            sink.write(block)
    for sink in sinks:
        sink.close()


def _open_sinks(kind: ExchangeFormat, folder: Path, shape: MatrixShape) -> list[Sink]:
    dim = shape.dim if kind is ExchangeFormat.PARQUET else None
    rows = ParquetSink(folder, schema=shape.schema, dim=dim)
    if kind is ExchangeFormat.NPY:
        matrix = NpySink(folder, n_rows=shape.n_rows, dim=shape.dim)
        return [rows, matrix, IdsSink(folder, n_rows=shape.n_rows)]
    if kind is ExchangeFormat.FVECS:
        return [rows, FvecsSink(folder), IdsSink(folder, n_rows=shape.n_rows)]
    if kind is ExchangeFormat.FAISS:
        return [rows, FaissSink(folder, dim=shape.dim)]
    if kind is ExchangeFormat.FAISS_IVF and shape.codebook is not None:
        return [rows, FaissIvfSink(folder, codebook=shape.codebook, n_rows=shape.n_rows)]
    return [rows]
