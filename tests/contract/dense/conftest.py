"""Real vectors with an index of each kind, built once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from eagleray.contracts.indexes import IndexKind
from indexes.dense.codebooks import Codebook, train_codebook
from indexes.dense.contracts import DenseIndex
from indexes.dense.flat import FlatIndex
from indexes.dense.ivf import open_ivf
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.matching import NumpyMatcher
from indexes.dense.torch_flat import TorchFlatIndex

N_ROWS, DIM, N_LISTS = 3_000, 32, 24


def make_clusters(seed: int, *, n: int) -> np.ndarray:
    """Return float32 [n, DIM]: unit vectors around 40 centres, some of them twice."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, DIM))
    vectors = centres[rng.integers(0, 40, size=n)] + 0.6 * rng.standard_normal((n, DIM))
    vectors[:: n // 50] = vectors[1]
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


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


@pytest.fixture(scope="session")
def vectors():
    return make_clusters(1, n=N_ROWS)


@pytest.fixture(scope="session")
def ids():
    return np.random.default_rng(2).permutation(N_ROWS).astype(np.int64) * 7


@pytest.fixture(scope="session", params=[*IndexKind, "torch_flat"], ids=str)
def index(request, vectors, ids, tmp_path_factory):
    if request.param == "torch_flat":
        return TorchFlatIndex(vectors, ids, device="cuda" if torch.cuda.is_available() else "cpu")
    if request.param is IndexKind.FLAT:
        return FlatIndex(vectors, ids)
    codebook = train(request.param, vectors)
    return build(codebook, vectors, ids, tmp_path_factory.mktemp("dense"))
