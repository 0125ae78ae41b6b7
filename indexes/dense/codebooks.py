"""A codebook: the centroids and the encoder that all segments of a collection share.

It is trained once, from a sample of the collection's vectors; its file lives in `codebook_files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import InputError
from indexes.dense.codes import add_rows, make_lists, train_encoder
from indexes.dense.kmeans import Pass, Training, draw_first, train_centroids
from indexes.dense.matching import Match, Matcher


@dataclass(frozen=True, kw_only=True)
class Codebook:
    """What codes mean.

    Attributes:
        kind: of the indexes built with it; never flat.
        centroids: float32 [n_lists, dim], unit L2 norm.
        encoder: FAISS's bytes of the trained encoder, without centroids.
        mean_error: mean squared distance of a row of the sample to its centroid: what drift is
            measured against.
        probes: float32 [n_probes, dim], unit L2 norm: queries as users ask them, from which each
            segment learns the effort its searches take.
    """

    kind: IndexKind
    centroids: FloatMatrix
    encoder: bytes
    mean_error: float
    probes: FloatMatrix

    @property
    def n_lists(self) -> int:
        """Inverted lists."""
        return len(self.centroids)

    @property
    def dim(self) -> int:
        """Numbers a vector has."""
        return int(self.centroids.shape[1])

    @cached_property
    def lists(self) -> Any:
        """FAISS's index of the centroids, which all opened segments share."""
        return make_lists(self.centroids)

    def assign(self, vectors: FloatMatrix, *, matcher: Matcher) -> Match:
        """Return the list of each vector."""
        return matcher.match(vectors, self.centroids, handicaps=None)

    def encode(self, vectors: FloatMatrix, labels: npt.NDArray[np.int32]) -> bytes:
        """Return the bytes of an index file of these rows.

        Args:
            vectors: float32 [n_rows, dim], in the order of the segment's rows.
            labels: int32 [n_rows], each row's list, as `assign` returns them.
        """
        return add_rows(self.encoder, self.lists, vectors, labels, kind=self.kind)

    def measure_drift(self, mean_error: float) -> float:
        """Return the mean error of rows over that of the sample: 1 where they are alike, more where not."""
        return mean_error / self.mean_error if self.mean_error > 0.0 else 1.0


def train_codebook(
    sample: Sequence[FloatMatrix], run: Pass, *, kind: IndexKind, training: Training, probes: FloatMatrix
) -> Codebook:
    """Return a codebook trained on a sample.

    Args:
        sample: float32 [n, dim] each, C-contiguous, unit L2 norm: the sample's blocks.
        run: passes over these blocks, here or elsewhere.
        kind: of index.
        training: how centroids are found.
        probes: float32 [n_probes, dim], unit L2 norm.

    Raises:
        InputError: the kind is flat, or there are too few distinct vectors.
    """
    if kind is IndexKind.FLAT:
        raise InputError(detail="a flat index has no codebook")
    rows = np.concatenate(sample)
    trained = train_centroids(draw_first(rows, training=training), run, training=training)
    encoder = train_encoder(make_lists(trained.centroids), rows, kind=kind)
    return Codebook(
        kind=kind, centroids=trained.centroids, encoder=encoder, mean_error=trained.mean_error, probes=probes
    )
