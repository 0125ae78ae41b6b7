"""A segment's inverted lists: built from its own vector file, opened beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import DenseManifest
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError
from indexes.dense.codebook_files import encode_codebook
from indexes.dense.codebooks import Codebook
from indexes.dense.devices import make_matcher
from indexes.dense.ivf import IvfIndex, open_ivf
from indexes.planning.efforts import learn_efforts, list_learnt_from

DENSE: Final = "dense.faiss"


def write_inverted(
    folder: Path, codebook: Codebook, vectors: FloatMatrix, chunk_ids: npt.NDArray[np.int64], *, device: str
) -> DenseManifest:
    """Write the lists of a segment, learn the effort they take, and return what their manifest says.

    Args:
        folder: the segment's.
        codebook: of the collection.
        vectors: float32 [n_rows, dim], the segment's vector file, mapped.
        chunk_ids: int64 [n_rows].
        device: that finds each row's list (`indexes.dense.devices`).

    Raises:
        InputError: there is no such device.
    """
    path = folder / DENSE
    match = codebook.assign(vectors, matcher=make_matcher(device))
    path.write_bytes(codebook.encode(vectors, match.labels))
    index = open_ivf(path, codebook=codebook, vectors=vectors, ids=chunk_ids)
    return DenseManifest(
        kind=codebook.kind,
        codebook=digest_bytes(encode_codebook(codebook)),
        efforts=learn_efforts(index, vectors, chunk_ids, list_learnt_from(codebook.probes)),
    )


def open_inverted(
    folder: Path,
    manifest: DenseManifest,
    codebook: Codebook,
    *,
    vectors: FloatMatrix,
    chunk_ids: npt.NDArray[np.int64],
) -> IvfIndex:
    """Open the lists of a segment.

    Raises:
        IntegrityError: the file holds no such lists, or the codebook is of another kind or dimension.
    """
    shape = (codebook.kind, codebook.dim)
    if shape != (manifest.kind, vectors.shape[1]):
        expected = f"a codebook for {manifest.kind} of {vectors.shape[1]} numbers"
        found = f"one for {codebook.kind} of {codebook.dim} numbers"
        raise IntegrityError(path=str(folder / DENSE), expected=expected, found=found)
    return open_ivf(folder / DENSE, codebook=codebook, vectors=vectors, ids=chunk_ids)
