"""Write a segment's folder out of chunks and vectors: the same rows in any order, the same bytes.

Uploading the folder lives in `publishing`, reading it back in `opening`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.manifests import EmbedderIdentity, FileEntry, SegmentManifest, encode_manifest
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_file
from eagleray.errors import InputError
from indexes.lexical.postings import build_postings
from indexes.segments.groups import build_group_bits
from indexes.segments.rows import build_rows, check_chunks, find_row_order, save_rows

MANIFEST: Final = "segment.json"
ROWS: Final = "rows.arrow"
VECTORS: Final = "vectors.npy"
GROUPS: Final = "groups.bin"
LEXICAL: Final = "lexical"

NORM_TOLERANCE: Final = 1e-3
"""How far a vector's length may be from 1: what bfloat16 rounding of a unit vector may leave."""


def align_vectors(chunks: pa.Table, vectors: pa.Table) -> FloatMatrix:
    """Return the vectors of a vector table in the order of the chunks.

    Args:
        chunks: rows with a `chunk_id`.
        vectors: rows as `make_vector_schema` says, in any order.

    Returns:
        float32 [n_chunks, dim], C-contiguous.

    Raises:
        InputError: a chunk has no vector, a vector no chunk, or an id comes twice.
    """
    wanted, found = chunks["chunk_id"].to_numpy(), vectors["chunk_id"].to_numpy()
    order = np.argsort(found, kind="stable")
    if len(wanted) != len(found) or not np.array_equal(np.sort(wanted), found[order]):
        common = len(np.intersect1d(wanted, found))
        detail = (
            f"{len(wanted)} chunks and {len(found)} vectors share {common} ids; each needs the other once"
        )
        raise InputError(detail=detail)
    if len(np.unique(found)) != len(found):
        raise InputError(detail="a chunk_id comes twice among the vectors")
    column = vectors["vector"].combine_chunks()
    dim = column.type.list_size
    matrix = column.flatten().to_numpy().reshape(len(found), dim)
    return np.ascontiguousarray(matrix[order[np.searchsorted(found[order], wanted)]], dtype=np.float32)


def write_segment(
    chunks: pa.Table,
    vectors: FloatMatrix,
    *,
    zone: str,
    attributes: Mapping[str, AttributeType],
    embedder: EmbedderIdentity,
    folder: Path,
) -> SegmentManifest:
    """Write a segment and return its manifest, which is the last file written.

    Args:
        chunks: rows as `CHUNK_SCHEMA` says, in any order.
        vectors: float32 [n_rows, dim], unit L2 norm; row `i` belongs to chunk `i`.
        zone: the zone of every row.
        attributes: attribute name -> type, of this collection's rows seen so far.
        embedder: what computed the vectors.
        folder: an empty folder, or none yet.

    Raises:
        InputError: the rows or vectors cannot be a segment, or `folder` holds something.
    """
    table = check_chunks(chunks, zone=zone)
    _check_vectors(vectors, n_rows=table.num_rows, dim=embedder.dim)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(detail=f"a segment is written into an empty folder; {folder} holds something")
    order = find_row_order(table)
    rows = build_rows(table.take(order), attributes)
    save_rows(rows, folder / ROWS)
    np.save(folder / VECTORS, np.ascontiguousarray(vectors[order]), allow_pickle=False)
    names, bits = build_group_bits(rows["groups"].chunk(0))
    (folder / GROUPS).write_bytes(bits.tobytes())
    build_postings(list_texts(rows)).save(folder / LEXICAL)
    known_from = rows["known_from"].to_numpy()
    manifest = SegmentManifest(
        zone=zone,
        n_rows=rows.num_rows,
        embedder=embedder,
        groups=names,
        attributes=dict(sorted(attributes.items())),
        first_known=int(known_from[0]),
        last_known=int(known_from[-1]),
        files=_list_files(folder),
    )
    (folder / MANIFEST).write_bytes(encode_manifest(manifest))
    return manifest


def list_texts(rows: pa.Table) -> list[str]:
    """Return what the lexical index reads of each row: heading, newline, text, as embedded."""
    pairs = zip(rows["heading"].to_pylist(), rows["text"].to_pylist(), strict=True)
    return [f"{heading}\n{text}" if heading else text for heading, text in pairs]


def _check_vectors(vectors: FloatMatrix, *, n_rows: int, dim: int) -> None:
    if vectors.dtype != np.float32 or vectors.shape != (n_rows, dim):
        detail = f"vectors must be float32 [{n_rows}, {dim}], found {vectors.dtype} {list(vectors.shape)}"
        raise InputError(detail=detail)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    off = np.flatnonzero(~(np.abs(lengths - 1.0) <= NORM_TOLERANCE))  # a NaN is off, too
    if len(off):
        detail = f"{len(off)} vectors are not of unit length: row {off[0]} has length {lengths[off[0]]:.6g}"
        raise InputError(detail=detail)


def _list_files(folder: Path) -> dict[str, FileEntry]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileEntry(
            sha256=digest_file(path), size_bytes=path.stat().st_size
        )
        for path in files
    }
