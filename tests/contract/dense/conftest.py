"""Real vectors with an index of each kind, built once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from eagleray.contracts.indexes import IndexKind
from eagleray.testing.dense_indexes import make_ids, make_vectors
from indexes.dense.codebooks import Codebook, train_codebook
from indexes.dense.contracts import DenseIndex
from indexes.dense.flat import FlatIndex
from indexes.dense.ivf import open_ivf
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.matching import NumpyMatcher
from indexes.dense.torch_flat import TorchFlatIndex

N_LISTS = 24


def train(kind: IndexKind, vectors: np.ndarray, *, n_lists: int = N_LISTS, balance: float = 0.0) -> Codebook:
    """Return a codebook trained on all vectors, in blocks of 700."""
    blocks = [vectors[start : start + 700] for start in range(0, len(vectors), 700)]
    training = Training(n_lists=n_lists, balance=balance)
    run = pass_over(blocks, matcher=NumpyMatcher())
    return train_codebook(blocks, run, kind=kind, training=training, probes=vectors[:50])


def build(codebook: Codebook, vectors: np.ndarray, ids: np.ndarray, folder: Path) -> DenseIndex:
    """Return an index of the vectors, written to a file and opened again."""
    path = folder / f"{codebook.kind}-{len(vectors)}.faiss"
    labels = codebook.assign(vectors, matcher=NumpyMatcher()).labels
    path.write_bytes(codebook.encode(vectors, labels))
    return open_ivf(path, codebook=codebook, vectors=vectors, ids=ids)


@pytest.fixture(scope="session", params=[*IndexKind, "torch_flat"], ids=str)
def index(request, tmp_path_factory):
    vectors, ids = make_vectors(), make_ids()
    if request.param == "torch_flat":
        return TorchFlatIndex(vectors, ids, device="cuda" if torch.cuda.is_available() else "cpu")
    if request.param is IndexKind.FLAT:
        return FlatIndex(vectors, ids)
    codebook = train(request.param, vectors)
    return build(codebook, vectors, ids, tmp_path_factory.mktemp("dense"))
