"""Open a segment: verify every byte, map the files, lay the patches on top."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import SegmentManifest
from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.dense.codebooks import Codebook
from indexes.dense.ivf import IvfIndex
from indexes.lexical.files import open_postings
from indexes.lexical.postings import Postings
from indexes.segments.codebooks import load_codebook
from indexes.segments.fetching import fetch_segment
from indexes.segments.groups import Bitmaps, count_bitmap_bytes
from indexes.segments.inverted import open_inverted
from indexes.segments.manifests import decode_segment_manifest
from indexes.segments.naming import number_names
from indexes.segments.patching import RowState, apply_patches
from indexes.segments.rows import open_rows
from indexes.segments.segment_files import GROUPS, MANIFEST, ROWS, VECTORS, name_postings
from indexes.segments.segment_upload import locate_segment
from indexes.segments.vectors import map_vectors
from indexes.segments.view import SegmentView


def open_segment(
    collection: Collection,
    digest: str,
    *,
    cache: Path | None = None,
    patches: Sequence[pa.Table] = (),
) -> SegmentView:
    """Return the segment named `digest`, patches applied.

    Args:
        collection: where it lies.
        digest: SHA-256 of the segment's manifest.
        cache: folder for copies of remote segments; `None` keeps none.
        patches: tables of `PATCH_SCHEMA`, first to last.

    Raises:
        IntegrityError: a file is missing or its bytes are not what the manifest says; names it.
    """
    manifest = load_segment_manifest(collection, digest)
    source = locate_segment(collection.name, digest)
    with fetch_segment(collection.store, source, digest=digest, manifest=manifest, cache=cache) as folder:
        codebook = load_codebook(collection, manifest.dense.codebook) if manifest.dense else None
        return _open_folder(folder, manifest, digest=digest, patches=patches, codebook=codebook)


def load_segment_manifest(collection: Collection, digest: str) -> SegmentManifest:
    """Return a segment's manifest, its bytes checked against its name.

    Raises:
        IntegrityError: the manifest is missing or damaged.
    """
    path = f"{locate_segment(collection.name, digest)}/{MANIFEST}"
    try:
        data = collection.store.read(path)
    except ObjectNotFoundError as error:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found="no such object") from error
    return decode_segment_manifest(data, digest=digest, path=path)


def _open_folder(
    folder: Path,
    manifest: SegmentManifest,
    *,
    digest: str,
    patches: Sequence[pa.Table],
    codebook: Codebook | None,
) -> SegmentView:
    rows = open_rows(folder / ROWS, n_rows=manifest.n_rows)
    chunk_ids: npt.NDArray[np.int64] = rows["chunk_id"].chunk(0).to_numpy()
    own = RowState(
        known_to=rows["known_to"].chunk(0).to_numpy(),
        group_names=manifest.groups,
        group_bits=_read_group_bits(folder / GROUPS, manifest),
    )
    vectors = map_vectors(folder / VECTORS, n_rows=manifest.n_rows, dim=manifest.embedder.dim)
    state = apply_patches(own, patches, chunk_ids=chunk_ids)
    return SegmentView(
        digest=digest,
        zone=manifest.zone,
        rows=rows,
        chunk_ids=chunk_ids,
        known_from=rows["known_from"].chunk(0).to_numpy(),
        known_to=state.known_to,
        documents=number_names(rows["doc_id"]),
        embedder=manifest.embedder,
        vectors=vectors,
        group_names=state.group_names,
        group_bits=state.group_bits,
        attributes=manifest.attributes,
        postings={field: _open_postings(folder / name_postings(field), manifest) for field in TextField},
        inverted=_open_lists(folder, manifest, codebook, vectors, chunk_ids),
        efforts=manifest.dense.efforts if manifest.dense else (),
    )


def _open_postings(path: Path, manifest: SegmentManifest) -> Postings:
    postings = open_postings(path)
    if postings.n_rows != manifest.n_rows:
        found = f"{postings.n_rows} rows"
        raise IntegrityError(path=str(path), expected=f"{manifest.n_rows} rows", found=found)
    return postings


def _open_lists(
    folder: Path,
    manifest: SegmentManifest,
    codebook: Codebook | None,
    vectors: FloatMatrix,
    chunk_ids: npt.NDArray[np.int64],
) -> IvfIndex | None:
    if manifest.dense is None or codebook is None:
        return None
    return open_inverted(folder, manifest.dense, codebook, vectors=vectors, chunk_ids=chunk_ids)


def _read_group_bits(path: Path, manifest: SegmentManifest) -> Bitmaps:
    bits = np.fromfile(path, dtype=np.uint8)
    shape = (len(manifest.groups), count_bitmap_bytes(manifest.n_rows))
    if bits.size != shape[0] * shape[1]:
        raise IntegrityError(path=str(path), expected=f"uint8 {list(shape)}", found=f"{bits.size} bytes")
    bits.flags.writeable = False
    return bits.reshape(shape)
