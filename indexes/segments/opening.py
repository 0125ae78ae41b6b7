"""Open a segment: verify every byte, map the files, lay the patches on top."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.manifests import SegmentManifest
from eagleray.contracts.ports import FloatMatrix, Store
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.lexical.postings import Postings
from indexes.segments.fetching import fetch_segment
from indexes.segments.groups import Bitmaps, count_bitmap_bytes
from indexes.segments.manifests import decode_segment_manifest
from indexes.segments.patching import RowState, apply_patches
from indexes.segments.publishing import locate_segment
from indexes.segments.rows import open_rows
from indexes.segments.view import SegmentView
from indexes.segments.writing import GROUPS, LEXICAL, MANIFEST, ROWS, VECTORS


def open_segment(
    store: Store,
    collection: str,
    digest: str,
    *,
    cache: Path | None = None,
    patches: Sequence[pa.Table] = (),
) -> SegmentView:
    """Return the segment named `digest`, patches applied.

    Args:
        store: where the collection lies.
        collection: its name.
        digest: SHA-256 of the segment's manifest.
        cache: folder for copies of remote segments; `None` keeps none.
        patches: tables of `PATCH_SCHEMA`, first to last.

    Raises:
        IntegrityError: a file is missing or its bytes are not what the manifest says; names it.
    """
    manifest = load_segment_manifest(store, collection, digest)
    source = locate_segment(collection, digest)
    with fetch_segment(store, source, digest=digest, manifest=manifest, cache=cache) as folder:
        return _open_folder(folder, manifest, digest=digest, patches=patches)


def load_segment_manifest(store: Store, collection: str, digest: str) -> SegmentManifest:
    """Return a segment's manifest, its bytes checked against its name.

    Raises:
        IntegrityError: the manifest is missing or damaged.
    """
    path = f"{locate_segment(collection, digest)}/{MANIFEST}"
    try:
        data = store.read(path)
    except ObjectNotFoundError as error:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found="no such object") from error
    return decode_segment_manifest(data, digest=digest, path=path)


def number_names(names: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return int64 [n]: the first 63 bits of the SHA-256 of each name."""
    coded = names.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0)
    digests = [hashlib.sha256(name.encode()).digest() for name in coded.dictionary.to_pylist()]
    numbers = np.array([int.from_bytes(digest[:8], "big") >> 1 for digest in digests], dtype=np.int64)
    numbered: npt.NDArray[np.int64] = numbers[coded.indices.to_numpy()]
    return numbered


def _open_folder(
    folder: Path, manifest: SegmentManifest, *, digest: str, patches: Sequence[pa.Table]
) -> SegmentView:
    rows = open_rows(folder / ROWS, manifest.attributes, n_rows=manifest.n_rows)
    postings = Postings.open(folder / LEXICAL)
    if postings.n_rows != manifest.n_rows:
        found = f"{postings.n_rows} rows"
        raise IntegrityError(path=str(folder / LEXICAL), expected=f"{manifest.n_rows} rows", found=found)
    chunk_ids: npt.NDArray[np.int64] = rows["chunk_id"].chunk(0).to_numpy()
    own = RowState(
        known_to=rows["known_to"].chunk(0).to_numpy(),
        group_names=manifest.groups,
        group_bits=_read_group_bits(folder / GROUPS, manifest),
    )
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
        vectors=_map_vectors(folder / VECTORS, manifest),
        group_names=state.group_names,
        group_bits=state.group_bits,
        attributes=manifest.attributes,
        postings=postings,
    )


def _read_group_bits(path: Path, manifest: SegmentManifest) -> Bitmaps:
    bits = np.fromfile(path, dtype=np.uint8)
    shape = (len(manifest.groups), count_bitmap_bytes(manifest.n_rows))
    if bits.size != shape[0] * shape[1]:
        raise IntegrityError(path=str(path), expected=f"uint8 {list(shape)}", found=f"{bits.size} bytes")
    bits.flags.writeable = False
    return bits.reshape(shape)


def _map_vectors(path: Path, manifest: SegmentManifest) -> FloatMatrix:
    try:
        loaded: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IntegrityError(path=str(path), expected="a numpy array", found=str(error)) from error
    shape = (manifest.n_rows, manifest.embedder.dim)
    if loaded.dtype != np.float32 or loaded.shape != shape or not loaded.flags.c_contiguous:
        found = f"{loaded.dtype} {list(loaded.shape)}"
        raise IntegrityError(path=str(path), expected=f"float32 {list(shape)}, C-contiguous", found=found)
    vectors: FloatMatrix = loaded.view(np.ndarray)
    return vectors
