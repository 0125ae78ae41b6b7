"""A FAISS index of inverted lists, with its own centroids: codes as segments hold them, ids the chunk_ids.

Vectors lie in a file of their own until all are there; then they are put into the lists of the collection's
codebook and encoded. A list's centroid is the mean direction of its exported rows, and lists without any are
left out: a centroid of the codebook may be all but the vector of a row that the caller must not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import faiss
import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_bytes
from eagleray.errors import InputError
from indexes.dense.codebook_files import encode_codebook
from indexes.dense.codebooks import Codebook
from indexes.dense.codes import build_index, make_lists, resize_encoder
from indexes.dense.devices import make_matcher
from indexes.exchange.blocks import RowBlock
from indexes.exchange.sinks.faiss import INDEX
from indexes.searching.targets import Target

_SPOOL: Final = ".vectors"
_BLOCK_ROWS: Final = 1 << 16


class FaissIvfSink:
    """Writes `index.faiss`: an `IndexIVF…` of the codebook's kind."""

    def __init__(self, folder: Path, *, codebook: Codebook, n_rows: int) -> None:
        self._folder, self._codebook = folder, codebook
        shape = (n_rows, codebook.dim)
        self._vectors = np.memmap(folder / _SPOOL, dtype=np.float32, mode="w+", shape=shape)
        self._ids = np.empty(n_rows, dtype=np.int64)
        self._n_written = 0

    def write(self, block: RowBlock) -> None:
        """Put the block's vectors and ids behind those before."""
        mine = slice(self._n_written, self._n_written + len(block.vectors))
        self._vectors[mine], self._ids[mine] = block.vectors, block.rows["chunk_id"].to_numpy()
        self._n_written = mine.stop

    def close(self) -> None:
        """Find lists and centroids, encode the rows, and write the file."""
        codebook, vectors = self._codebook, self._vectors
        match = codebook.assign(vectors, matcher=make_matcher())
        held, labels = np.unique(match.labels, return_inverse=True)
        lists = make_lists(find_directions(vectors, labels, n_lists=len(held)))
        encoder = resize_encoder(codebook.encoder, lists)
        index = build_index(
            encoder, lists, vectors, labels.astype(np.int32), ids=self._ids, kind=codebook.kind
        )
        faiss.write_index(index, str(self._folder / INDEX))
        (self._folder / _SPOOL).unlink()


def choose_codebook(targets: Sequence[Target]) -> Codebook:
    """Return the one codebook that the segments of the selected rows share.

    Segments without lists count for nothing: their rows are put into the lists of the others.

    Raises:
        InputError: there is none, or several.
    """
    views = [target.view for target in targets if target.selection.n_selected]
    found = [(view.zone, view.inverted.codebook) for view in views if view.inverted is not None]
    codebooks = {digest_bytes(encode_codebook(codebook)): codebook for _, codebook in found}
    if not codebooks:
        detail = "no segment of these rows has inverted lists to export; choose --format faiss"
        raise InputError(detail=detail)
    if len(codebooks) > 1:
        zones = ", ".join(sorted({zone for zone, _ in found}))
        detail = (
            f"these rows have lists of {len(codebooks)} codebooks (zones: {zones}), a file holds "
            "those of one; choose fewer rows, such as those of a zone by --filter, or --format faiss"
        )
        raise InputError(detail=detail)
    return next(iter(codebooks.values()))


def find_directions(vectors: FloatMatrix, labels: npt.NDArray[np.int64], *, n_lists: int) -> FloatMatrix:
    """Return the direction of each list's mean, added in the order of the rows.

    Args:
        vectors: float32 [n_rows, dim], mapped: some rows are in memory at a time.
        labels: int64 [n_rows], from 0 to `n_lists`; every list has a row.
        n_lists: lists.

    Returns:
        float32 [n_lists, dim], unit L2 norm; zeros where the rows of a list add up to nothing.
    """
    sums = np.zeros((n_lists, vectors.shape[1]))
    for start in range(0, len(vectors), _BLOCK_ROWS):
        mine = slice(start, start + _BLOCK_ROWS)
        np.add.at(sums, labels[mine], vectors[mine])
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    directions: FloatMatrix = (sums / np.where(norms > 0.0, norms, 1.0)).astype(np.float32)
    return directions
