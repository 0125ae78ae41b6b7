"""Collections of `benchmarks.growth`: made rows, written as segments by the product's own writer.

A row is made of three passages drawn at random: its vector is `real_vectors.step_from` of theirs, its text
the first half of the first passage and the second half of the second. Every segment holds rows of all times,
as one ingest leaves them, because documents are spread by a digest. Collections of several sizes share the
segments that are the same in them; such a segment is written once, and its time counts in each of them.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.real_vectors import make_times, step_from
from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.times import OPEN_END
from indexes.dense.codebooks import train_codebook
from indexes.dense.devices import make_matcher
from indexes.dense.kmeans import Training, pass_over
from indexes.segments.codebooks import load_codebook, put_codebook
from indexes.segments.segment_files import ROWS, VECTORS, SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.storage import open_store
from ray_jobs.plans.training import ROWS_PER_LIST

COLLECTION: Final = "growth"
SEGMENT_ROWS: Final = 250_000
N_PARTS: Final = 100
"""Values of the attribute `part`, drawn evenly: a filter for one selects a row in a hundred."""

EMBEDDER: Final = EmbedderIdentity(
    name="made",
    weights="0" * 64,
    dim=384,
    max_tokens=256,
    backend="numpy",
    instruction_set="none",
)
_GROUPS: Final[tuple[list[str], ...]] = ([], ["rates"], ["credit", "rates"])
_BLOCK_ROWS: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What rows are made of.

    Attributes:
        texts: the passages.
        vectors: float32 [n_passages, 384], unit L2 norm.
        probes: float32 [n, 384], unit L2 norm: questions that nobody asks later.
    """

    texts: Sequence[str]
    vectors: FloatMatrix
    probes: FloatMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A segment or a codebook in the store.

    Attributes:
        n_rows: rows it holds, or was trained on.
        seconds: of the clock that it took.
        cpu_seconds: of all processors.
        sizes: part -> bytes, of a segment.
    """

    digest: str
    n_rows: int
    seconds: float
    cpu_seconds: float
    sizes: dict[str, int]


def cut_segments(n_rows: int, segment_rows: int = SEGMENT_ROWS) -> list[tuple[int, int]]:
    """Return number and rows of each segment: all full but the last."""
    starts = range(0, n_rows, segment_rows)
    return [(number, min(segment_rows, n_rows - start)) for number, start in enumerate(starts)]


def count_lists(n_rows: int, segment_rows: int = SEGMENT_ROWS) -> int:
    """Return the lists of a collection: the power of two nearest to the root of its largest segment."""
    return int(2 ** round(0.5 * np.log2(min(n_rows, segment_rows))))


def name_part(file: str) -> str:
    """Return which part of a segment a file belongs to."""
    if file.startswith("lexical/"):
        return "postings"
    return {VECTORS: "vectors", ROWS: "rows", "dense.faiss": "codes", "groups.bin": "groups"}[file]


def make_rows(material: Material, n_rows: int, *, segment: int) -> tuple[pa.Table, FloatMatrix]:
    """Return the chunks and vectors of a segment; the same number makes the same rows."""
    rng = np.random.default_rng([7, segment])
    base, one, other = rng.integers(0, len(material.texts), size=(3, n_rows))
    vectors = np.empty((n_rows, material.vectors.shape[1]), dtype=np.float32)
    for start in range(0, n_rows, _BLOCK_ROWS):
        end = start + _BLOCK_ROWS
        vectors[start:end] = step_from(material.vectors, base[start:end], one[start:end], other[start:end])
    texts = [
        join_halves(material.texts[first], material.texts[second])
        for first, second in zip(base, one, strict=True)
    ]
    names = [f"doc-{segment}-{number}" for number in range(n_rows)]
    same = dict.fromkeys(("version", "source"), "made") | {"zone": "default", "heading": ""}
    columns: dict[str, Any] = {
        "chunk_id": rng.integers(0, 1 << 62, size=n_rows),
        "doc_id": names,
        "title": [" ".join(text.split(None, 8)[:8]) for text in texts],
        "text": texts,
        "ordinal": np.zeros(n_rows, dtype=np.int32),
        "start": np.zeros(n_rows, dtype=np.int64),
        "end": np.array([len(text) for text in texts]),
        "page": pa.nulls(n_rows, pa.int32()),
        "event_time": pa.nulls(n_rows, pa.int64()),
        "groups": [_GROUPS[number] for number in rng.integers(0, len(_GROUPS), size=n_rows)],
        "known_from": make_times(n_rows, seed=segment),
        "known_to": np.full(n_rows, OPEN_END),
        "attributes": [f'{{"part":{part}}}' for part in rng.integers(0, N_PARTS, size=n_rows)],
        **{name: [value] * n_rows for name, value in same.items()},
    }
    return pa.Table.from_pydict({name: columns[name] for name in CHUNK_SCHEMA.names}, CHUNK_SCHEMA), vectors


def join_halves(first: str, second: str) -> str:
    """Return the first half of one text and the second half of another."""
    return f"{first[: len(first) // 2]} {second[len(second) // 2 :]}"


class Builder:
    """Writes segments into a store; one that a run has written there before is not written again."""

    def __init__(self, folder: Path, material: Material, *, segment_rows: int = SEGMENT_ROWS) -> None:
        """Take a folder for the store and for what was measured while it was filled."""
        self._segment_rows = segment_rows
        self.store_folder = folder / "store"
        self._store, self._records = open_store(self.store_folder), folder / "built"
        self._material, self._folder = material, folder
        self._records.mkdir(parents=True, exist_ok=True)

    def train(self, n_rows: int) -> Built:
        """Train the codebook of a collection on as many rows a list as a job takes."""
        n_lists, n_trained = count_lists(n_rows, self._segment_rows), min(n_rows, self._segment_rows)
        return self._remember(f"codebook-{n_lists}", lambda: self._train(n_lists, n_trained))

    def write(self, n_rows: int, codebook: str) -> list[Built]:
        """Write the segments of a collection; the codebook is told by its digest."""
        written = []
        for number, size in cut_segments(n_rows, self._segment_rows):
            name = f"segment-{number}-{size}-{codebook[:16]}"
            written.append(self._remember(name, partial(self._write, name, number, size, codebook)))
        return written

    def _remember(self, name: str, make: Callable[[], Built]) -> Built:
        path = self._records / f"{name}.json"
        if not path.is_file():
            made = make()
            print(f"{name}: {made.seconds:.1f} s", flush=True)
            path.write_text(json.dumps(asdict(made)))
        return Built(**json.loads(path.read_text()))

    def _train(self, n_lists: int, n_rows: int) -> Built:
        vectors = make_rows(self._material, n_rows, segment=0)[1]
        started, cpu_started = time.perf_counter(), time.process_time()
        sample = vectors[: n_lists * ROWS_PER_LIST]
        blocks = [sample[start : start + _BLOCK_ROWS] for start in range(0, len(sample), _BLOCK_ROWS)]
        codebook = train_codebook(
            blocks,
            pass_over(blocks, matcher=make_matcher()),
            kind=IndexKind.IVF_PQ,
            training=Training(n_lists=n_lists, balance=0.5),
            probes=self._material.probes,
        )
        digest = put_codebook(Collection(self._store, COLLECTION), codebook)
        return Built(
            digest=digest,
            n_rows=len(sample),
            seconds=time.perf_counter() - started,
            cpu_seconds=time.process_time() - cpu_started,
            sizes={},
        )

    def _write(self, name: str, number: int, n_rows: int, codebook: str) -> Built:
        chunks, vectors = make_rows(self._material, n_rows, segment=number)
        folder = self._folder / name
        started, cpu_started = time.perf_counter(), time.process_time()
        manifest = write_segment(
            chunks,
            vectors,
            spec=SegmentSpec(
                zone="default",
                embedder=EMBEDDER,
                codebook=load_codebook(Collection(self._store, COLLECTION), codebook),
            ),
            folder=folder,
        )
        digest = publish_segment(Collection(self._store, COLLECTION), folder)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        shutil.rmtree(folder)
        sizes: Counter[str] = Counter()
        for file, entry in manifest.files.items():
            sizes[name_part(file)] += entry.size_bytes
        return Built(
            digest=digest, n_rows=n_rows, seconds=seconds, cpu_seconds=cpu_seconds, sizes=dict(sizes)
        )
