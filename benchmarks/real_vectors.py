"""Vectors of real passages and real questions; more of them by a stated perturbation.

A passage is a line of a corpus, a question a line of its questions; both are embedded once by the
product's embedder and kept in the cache. Where more vectors are wanted than there are passages, a
made one is `u + S * (v - w)`, brought to length 1, of three passages drawn at random: a step from a
real passage along the difference of two others, so that made vectors spread as real ones do.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_json
from eagleray.embedders import load_embedder, settle_backend
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import load_settings
from indexes.selections import IntVector

CORPORA: Final = Path(__file__).parents[1] / ".." / "shared" / "corpora"
"""Where the corpora lie if nothing else is said."""

STEP: Final = 0.4
"""S above: a made vector's cosine to its passage is about .9."""

_SETS: Final = {
    "tatqa": ("queries",),
    "obliqa": ("queries",),
    "reuters21578": ("queries_known_item",),
    "finqa": ("queries",),
}
_SHARD: Final = 512


def load_passages(corpora: Path = CORPORA) -> FloatMatrix:
    """Return float32 [n, 384], unit L2 norm: one vector a passage of all corpora, in the files' order."""
    return _load(list(read_passages(corpora)), name="passages")


def load_questions(corpora: Path = CORPORA) -> FloatMatrix:
    """Return float32 [n, 384], unit L2 norm: one vector a question of all corpora, in the files' order."""
    return _load(list(read_questions(corpora)), name="questions")


def make_vectors(passages: FloatMatrix, n: int, *, seed: int) -> FloatMatrix:
    """Return float32 [n, dim]: the passages, shuffled, and as many made vectors as it takes."""
    rng = np.random.default_rng(seed)
    vectors = np.empty((n, passages.shape[1]), dtype=np.float32)
    order = rng.permutation(len(passages))[:n]
    vectors[: len(order)] = passages[order]
    for start in range(len(order), n, 1 << 16):
        block = vectors[start : start + (1 << 16)]
        base, one, other = rng.integers(0, len(passages), size=(3, len(block)))
        block[:] = step_from(passages, base, one, other)
    rng.shuffle(vectors)
    return vectors


def step_from(passages: FloatMatrix, base: IntVector, one: IntVector, other: IntVector) -> FloatMatrix:
    """Return float32 [n, dim], unit L2 norm: a made vector for each three passages, told by their places."""
    vectors: FloatMatrix = passages[base] + np.float32(STEP) * (passages[one] - passages[other])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def fit_dimension(vectors: FloatMatrix, dim: int, *, seed: int) -> FloatMatrix:
    """Return float32 [n, dim], unit L2 norm: the vectors turned by a rotation of chance and cut.

    Where `dim` is greater, weaker copies turned otherwise stand beside them.
    """
    own = vectors.shape[1]
    if dim == own:
        return vectors
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(-(-dim // own)):
        turn = np.linalg.qr(rng.standard_normal((own, own)))[0].astype(np.float32)
        parts.append((vectors @ turn[:, : min(own, dim - number * own)]) * np.float32(0.5**number))
    fitted = np.concatenate(parts, axis=1)
    return np.ascontiguousarray(fitted / np.linalg.norm(fitted, axis=1, keepdims=True))


def make_times(n: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Return int64 [n], ascending: microseconds over ten years."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.integers(0, 10 * 365 * 86_400 * 1_000_000, size=n, dtype=np.int64))


def _load(texts: list[str], *, name: str) -> FloatMatrix:
    settings = load_settings()
    cache = settings.cache_folder
    embedder = settle_backend(settings.embedder, cache=cache)
    path = cache / "benchmarks" / f"{name}-{digest_json([embedder.model_dump(), texts])[:16]}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"embedding {len(texts)} {name} once, into {path}", flush=True)
        partial = path.with_suffix(f".{os.getpid()}")
        with partial.open("wb") as file:
            np.save(file, _embed(texts, embedder))
        partial.rename(path)
    vectors: FloatMatrix = np.load(path)
    return vectors


def _embed(texts: list[str], settings: EmbedderSettings) -> FloatMatrix:
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    shards = [
        [texts[place] for place in order[start : start + _SHARD]] for start in range(0, len(order), _SHARD)
    ]
    workers = os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_open, initargs=(settings,)) as pool:
        parts = list(pool.map(_embed_shard, shards))
    vectors = np.concatenate(parts)
    placed = np.empty_like(vectors)
    placed[order] = vectors
    return placed


_embedders: dict[str, object] = {}


def _open(settings: EmbedderSettings) -> None:
    _embedders["own"] = load_embedder(settings)


def _embed_shard(texts: list[str]) -> FloatMatrix:
    embedder = _embedders["own"]
    vectors: FloatMatrix = embedder.embed_passages(texts)  # type: ignore[attr-defined]  # set by `_open`
    return vectors


def read_passages(corpora: Path = CORPORA) -> Iterator[str]:
    """Yield the passages of all corpora, in the files' order."""
    for corpus in _SETS:
        for line in (corpora / corpus / "corpus.jsonl").open():
            record = json.loads(line)
            yield f"{record['title']}\n{record['text']}" if record.get("title") else record["text"]


def read_questions(corpora: Path = CORPORA) -> Iterator[str]:
    """Yield the questions of all corpora, in the files' order."""
    for corpus, names in _SETS.items():
        for name in names:
            for line in (corpora / corpus / f"{name}.jsonl").open():
                yield json.loads(line)["text"]
