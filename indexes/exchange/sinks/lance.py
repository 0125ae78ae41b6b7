"""A Lance dataset: the rows with their vectors as its last column. Its file names are drawn by chance."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from eagleray.errors import EagleRayError, InputError, MissingExtraError
from indexes.exchange.blocks import RowBlock
from indexes.exchange.sinks.parquet import add_vector_field, add_vectors

DATASET: Final = "rows.lance"


def import_lance() -> Any:
    """Return the module `lance`.

    Raises:
        MissingExtraError: it is not installed.
    """
    # A process that Ray starts is a fork for a moment; it never uses Lance before it is a program of its own.
    warnings.filterwarnings("ignore", message="lance is not fork-safe", category=UserWarning)
    try:
        import lance
    except ModuleNotFoundError as error:
        raise MissingExtraError(part="lance", extra="lance") from error
    return lance


def write_lance(folder: Path, blocks: Iterable[RowBlock], *, schema: pa.Schema, dim: int) -> None:
    """Write `rows.lance` in one version; a block is in memory at a time.

    Args:
        folder: where it will lie.
        blocks: in order.
        schema: of the rows without vectors.
        dim: numbers of a vector.

    Raises:
        InputError: a column has a dot in its name.
        MissingExtraError: the package is not installed.
    """
    lance = import_lance()
    check_names(schema)
    faults: list[EagleRayError] = []
    whole = add_vector_field(schema, dim)
    reader = pa.RecordBatchReader.from_batches(whole, _iterate_batches(blocks, faults))
    try:
        lance.write_dataset(reader, str(folder / DATASET), schema=whole)
    except OSError as error:  # what a block raised comes out as Lance's own error
        raise (faults[0] if faults else InputError(detail=f"Lance could not write: {error}")) from error


def check_names(schema: pa.Schema) -> None:
    """Check that Lance can name the columns.

    Raises:
        InputError: it cannot.
    """
    odd = [name for name in schema.names if "." in name]
    if odd:
        detail = f"Lance has no columns with a dot in their name, such as {odd[0]}; choose --format parquet"
        raise InputError(detail=detail)


def _iterate_batches(blocks: Iterable[RowBlock], faults: list[EagleRayError]) -> Iterator[pa.RecordBatch]:
    try:
        for block in blocks:
            yield from add_vectors(block.rows, block.vectors).to_batches()
    except EagleRayError as error:
        faults.append(error)
        raise
