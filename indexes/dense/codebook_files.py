"""A codebook as one file, named by its SHA-256: an Arrow IPC file of one row."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.indexes import IndexKind
from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError
from indexes.dense.codebooks import Codebook

_SCHEMA: Final = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("n_lists", pa.int64(), nullable=False),
        pa.field("dim", pa.int64(), nullable=False),
        pa.field("mean_error", pa.float64(), nullable=False),
        pa.field("centroids", pa.large_binary(), nullable=False),
        pa.field("encoder", pa.large_binary(), nullable=False),
        pa.field("probes", pa.large_binary(), nullable=False),
    ]
)


def encode_codebook(codebook: Codebook) -> bytes:
    """Return the bytes of a codebook's file; equal codebooks have equal bytes."""
    row = {
        "kind": str(codebook.kind),
        "n_lists": codebook.n_lists,
        "dim": codebook.dim,
        "mean_error": codebook.mean_error,
        "centroids": np.ascontiguousarray(codebook.centroids, dtype="<f4").tobytes(),
        "encoder": codebook.encoder,
        "probes": np.ascontiguousarray(codebook.probes, dtype="<f4").tobytes(),
    }
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, _SCHEMA) as file:
        file.write_table(pa.Table.from_pylist([row], schema=_SCHEMA))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def decode_codebook(data: bytes, *, digest: str, path: str) -> Codebook:
    """Return the codebook of a file's bytes.

    Args:
        data: the bytes.
        digest: the SHA-256 by which the file is named.
        path: name of the object, for the error.

    Raises:
        IntegrityError: the bytes have another digest, or are no codebook.
    """
    found = digest_bytes(data)
    if found != digest:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found=found)
    try:
        table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
        (row,) = table.cast(_SCHEMA).to_pylist()
        centroids = np.frombuffer(row["centroids"], dtype="<f4").reshape(row["n_lists"], row["dim"])
        probes = np.frombuffer(row["probes"], dtype="<f4").reshape(-1, row["dim"])
        kind = IndexKind(row["kind"])
    except (ValueError, pa.ArrowException) as error:
        raise IntegrityError(path=path, expected="a codebook", found=str(error)) from error
    return Codebook(
        kind=kind,
        centroids=centroids,
        encoder=row["encoder"],
        mean_error=row["mean_error"],
        probes=probes,
    )
