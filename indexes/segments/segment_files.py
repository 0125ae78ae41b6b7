"""Write a segment's folder out of chunks and vectors: the same rows in any order, the same bytes.

Uploading the folder lives in `publishing`, reading it back in `opening`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from eagleray.contracts.indexes import DenseManifest, TextField
from eagleray.contracts.manifests import EmbedderIdentity, FileEntry, SegmentManifest, encode_manifest
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_file
from eagleray.errors import InputError
from indexes.dense.codebooks import Codebook
from indexes.lexical.building import build_postings
from indexes.lexical.files import save_postings
from indexes.segments.attribute_columns import list_types
from indexes.segments.groups import build_group_bits
from indexes.segments.inverted import write_inverted
from indexes.segments.rows import build_rows, check_chunks, find_row_order, open_rows, save_rows
from indexes.segments.vectors import check_vectors, map_vectors, save_vectors

MANIFEST: Final = "segment.json"
ROWS: Final = "rows.arrow"
VECTORS: Final = "vectors.npy"
GROUPS: Final = "groups.bin"
LEXICAL: Final = "lexical"

_BLOCK_ROWS: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSpec:
    """What a segment is made as, whatever rows it holds.

    Attributes:
        zone: the zone of every row.
        embedder: what computed the vectors.
        texts: attributes whose text is never a time, because somebody declared them strings.
        codebook: of the inverted lists, or `None` for a flat segment.
        device: that finds each row's list (`indexes.dense.devices`).
    """

    zone: str
    embedder: EmbedderIdentity
    texts: Collection[str] = ()
    codebook: Codebook | None = None
    device: str = "cpu"


def write_segment(
    chunks: pa.Table, vectors: FloatMatrix, *, spec: SegmentSpec, folder: Path
) -> SegmentManifest:
    """Write a segment and return its manifest, which is the last file written.

    Args:
        chunks: rows as `CHUNK_SCHEMA` says, in any order.
        vectors: float32 [n_rows, dim], unit L2 norm; row `i` belongs to chunk `i`. Mapped from a
            file, they take no memory.
        spec: what it is made as.
        folder: an empty folder, or none yet.

    Raises:
        InputError: the rows or vectors cannot be a segment, or `folder` is not empty.
    """
    table = check_chunks(chunks, zone=spec.zone)
    check_vectors(vectors, n_rows=table.num_rows, dim=spec.embedder.dim)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(detail=f"a segment is written into an empty folder; {folder} is not empty")
    order = find_row_order(table)
    save_vectors(vectors, order, folder / VECTORS)
    save_rows(build_rows(table, order, texts=spec.texts), folder / ROWS)
    return finish_segment(folder, n_rows=table.num_rows, spec=spec)


def finish_segment(folder: Path, *, n_rows: int, spec: SegmentSpec) -> SegmentManifest:
    """Write all that follows from a segment's row table and vectors, and return its manifest.

    Args:
        folder: holds `ROWS` and `VECTORS`, in the segment's order, and nothing else.
        n_rows: rows of both.
        spec: what it is made as.
    """
    rows = open_rows(folder / ROWS, n_rows=n_rows)  # mapped: memory is for postings now
    names, bits = build_group_bits(rows["groups"].chunk(0))
    (folder / GROUPS).write_bytes(bits.tobytes())
    _write_postings(folder, rows)
    dense = None
    if spec.codebook is not None:
        dense = _write_dense(folder, spec.codebook, rows, device=spec.device)
    known_from = rows["known_from"].to_numpy()
    manifest = SegmentManifest(
        zone=spec.zone,
        n_rows=rows.num_rows,
        embedder=spec.embedder,
        groups=names,
        attributes=list_types(rows),
        first_known=int(known_from[0]),
        last_known=int(known_from[-1]),
        files=_list_files(folder),
        dense=dense,
    )
    (folder / MANIFEST).write_bytes(encode_manifest(manifest))
    return manifest


def list_texts(rows: pa.Table) -> list[str]:
    """Return the body of each row: heading, newline, text, as embedded."""
    return list(iterate_texts(rows, TextField.BODY))


def iterate_texts(rows: pa.Table, field: TextField) -> Iterator[str]:
    """Yield what the lexical index reads of a field of each row, holding some rows at a time."""
    for start in range(0, rows.num_rows, _BLOCK_ROWS):
        block = rows.slice(start, _BLOCK_ROWS)
        if field is not TextField.BODY:
            yield from block[str(field)].to_pylist()
            continue
        for heading, text in zip(block["heading"].to_pylist(), block["text"].to_pylist(), strict=True):
            yield f"{heading}\n{text}" if heading else text


def name_postings(field: TextField) -> str:
    """Return the name of a field's postings within the segment's folder."""
    return f"{LEXICAL}/{field}.arrow"


def _write_postings(folder: Path, rows: pa.Table) -> None:
    (folder / LEXICAL).mkdir()
    for field in TextField:
        save_postings(build_postings(iterate_texts(rows, field)), folder / name_postings(field))


def _write_dense(folder: Path, codebook: Codebook, rows: pa.Table, *, device: str) -> DenseManifest:
    vectors = map_vectors(folder / VECTORS, n_rows=rows.num_rows, dim=codebook.dim)
    return write_inverted(folder, codebook, vectors, rows["chunk_id"].to_numpy(), device=device)


def _list_files(folder: Path) -> dict[str, FileEntry]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileEntry(
            sha256=digest_file(path), size_bytes=path.stat().st_size
        )
        for path in files
    }
