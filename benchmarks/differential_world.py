"""Small random collections, written and opened as a job would, and their rows as plain values."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import IndexKind, LearntEffort
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import FloatMatrix, Store
from eagleray.contracts.times import OPEN_END
from eagleray.digests import canonical_json
from indexes.dense.codebooks import train_codebook
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.matching import NumpyMatcher
from indexes.searching.searcher import Searcher
from indexes.segments.codebooks import put_codebook
from indexes.segments.opened_segment import open_segment
from indexes.segments.patching import PATCH_SCHEMA
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.view import SegmentView
from indexes.storage import open_store

COLLECTION: Final = "world"
DIM: Final = 24
N_MOMENTS: Final = 60
GROUPS: Final = ("credit", "rates", "equity", "public", "desk ü")
ZONES: Final = ("london", "tokyo")
WORDS: Final = ["swap", "repo", "bond", "call", "put", "rating", "libor", "sofr"]
WORDS += ["vega", "gamma", "spread", "margin", "basis", "coupon", "issuer", "tranche"]
VALUES: Final[dict[str, list[Any]]] = {
    "ticker": ["AB", "ABC", "XY", "", "50%"],
    "year": [2018, 2019, 2020, 2021],
    "yield": [-1.5, 0.0, 2.25],
    "is_open": [True, False],
    "tags": [["a"], ["a", "b"], ["c"], []],
}
ODD_VALUES: Final[dict[str, list[Any]]] = {
    "mixed": [1, 1.5, -0.0, 2**53, 2**53 + 1, float(2**53), "a", "n/a", True, ["a", "b"]],
    "when": [
        "2019-01-01",
        "2019-01-01T01:00:00+01:00",
        "2020-05-04T00:00:00.5Z",
        "n/a",
        "2019-01-01T00:00:00",
    ],
    "known_from": [0, "x", "2019-01-01"],
    'odd "name". ': ["a", 7],
}
"""Attributes of several types, and with odd names."""


@dataclass(slots=True, kw_only=True)
class Row:
    """A row as plain values, patches applied."""

    chunk_id: int
    doc_id: str
    zone: str
    title: str
    text: str
    groups: frozenset[str]
    known_from: int
    known_to: int
    attributes: dict[str, Any]
    vector: np.ndarray


class WorldEmbedder:
    """Gives each question the vector it was drawn with."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.vectors: dict[str, np.ndarray] = {}
        self.identity = EmbedderIdentity(
            name="drawn", weights="0" * 64, dim=DIM, max_tokens=256, backend="none", instruction_set="any"
        )

    def draw(self, text: str) -> None:
        """Draw the vector of a question."""
        self.vectors[text] = _normalise(self._rng.standard_normal((1, DIM)))[0]

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return the vectors drawn."""
        return np.stack([self.vectors[text] for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return the vectors drawn; rows come with theirs."""
        return self.embed_queries(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A collection, opened, and what it holds.

    Attributes:
        kinds: index kind of each segment.
    """

    rows: list[Row]
    views: Sequence[SegmentView]
    searcher: Searcher
    embedder: WorldEmbedder
    kinds: tuple[IndexKind, ...]

    def open_searcher(self, *, n_threads: int) -> Searcher:
        """Return another searcher over the same segments."""
        return Searcher(
            self.searcher.snapshot,
            self.views,
            embedder=self.embedder,
            n_threads=n_threads,
        )


def make_world(seed: int, folder: Path) -> World:
    """Draw rows, write them as one to three segments, patch them, and open them."""
    rng, drawn = np.random.default_rng(seed), random.Random(seed)  # noqa: S311 - draws values, not secrets
    rows = _draw_rows(rng, drawn)
    store = open_store(folder)
    parts = _cut(rows, drawn)
    kinds = tuple(drawn.choice(list(IndexKind)) for _ in parts)
    digests = [_write(store, part, kind, rng) for part, kind in zip(parts, kinds, strict=True)]
    patches = [_draw_patch(rows, drawn) for _ in range(drawn.randrange(4))]
    views = [
        open_segment(Collection(store, COLLECTION), digest, patches=[_make_patch(patch) for patch in patches])
        for digest in digests
    ]
    views = [replace(view, efforts=_draw_efforts(drawn)) for view in views]
    _apply(rows, patches)
    embedder = WorldEmbedder(rng)
    searcher = Searcher("w" * 64, views, embedder=embedder)
    return World(rows=rows, views=views, searcher=searcher, embedder=embedder, kinds=kinds)


def _draw_efforts(drawn: random.Random) -> tuple[LearntEffort, ...]:
    """Draw an effort far below what was learnt: whatever it misses, it must show nothing wrong."""
    probed, n_candidates = drawn.choice([0.2, 0.5, 1.0]), drawn.choice([1, 2, 4])
    return (LearntEffort(share=0.02, probed=probed, n_candidates=n_candidates, recall=1.0),)


def _draw_rows(rng: np.random.Generator, drawn: random.Random) -> list[Row]:
    centres = _normalise(rng.standard_normal((12, DIM)))
    rows: list[Row] = []
    choose = random.Random(f"{drawn.getstate()}")  # noqa: S311 - of its own, so that all else stays as drawn
    n_documents = drawn.choice([drawn.randrange(5, 160), drawn.randrange(5, 160), drawn.randrange(500, 800)])
    ids = rng.choice(1 << 40, size=3 * n_documents, replace=False).tolist()
    for number in range(n_documents):
        zone = drawn.choice(ZONES)
        groups = frozenset(drawn.sample(GROUPS, drawn.randrange(3)))
        attributes = {name: drawn.choice(of) for name, of in VALUES.items() if drawn.random() < 0.8}
        attributes |= {name: choose.choice(of) for name, of in ODD_VALUES.items() if choose.random() < 0.6}
        begin = drawn.randrange(N_MOMENTS)
        title = " ".join(drawn.choices(WORDS, k=drawn.randrange(4)))
        end = OPEN_END if drawn.random() < 0.7 else begin + drawn.randrange(1, 30)
        for _ in range(drawn.randrange(1, 4)):
            is_copy = rows and drawn.random() < 0.1
            model = drawn.choice(rows) if is_copy else None
            vector = _normalise(centres[drawn.randrange(12)] + 0.25 * rng.standard_normal((1, DIM)))[0]
            words = drawn.choices(WORDS, k=drawn.randrange(3, 25))
            rows.append(
                Row(
                    chunk_id=ids[len(rows)],
                    doc_id=f"doc{number}",
                    zone=zone,
                    title=title,
                    text=model.text if model else " ".join(words),
                    groups=groups,
                    known_from=begin,
                    known_to=end,
                    attributes=attributes,
                    vector=model.vector if model else vector,
                )
            )
    return rows


def _cut(rows: list[Row], drawn: random.Random) -> list[list[Row]]:
    """Return the rows of each segment: of one zone, and spread by chance."""
    parts: dict[tuple[str, int], list[Row]] = {}
    n = drawn.randrange(1, 3)
    for row in rows:
        parts.setdefault((row.zone, drawn.randrange(n)), []).append(row)
    return [part for part in parts.values() if part]


def _write(store: Store, part: list[Row], kind: IndexKind, rng: np.random.Generator) -> str:
    vectors = np.stack([row.vector for row in part])
    codebook = None
    if kind is not IndexKind.FLAT:
        sample = _normalise(rng.standard_normal((64, DIM)))
        run = pass_over([sample], matcher=NumpyMatcher())
        probes = _normalise(rng.standard_normal((6, DIM)))
        training = Training(n_lists=6, n_iterations=3)
        codebook = train_codebook([sample], run, kind=kind, training=training, probes=probes)
        put_codebook(Collection(store, COLLECTION), codebook)
    embedder = EmbedderIdentity(
        name="drawn", weights="0" * 64, dim=DIM, max_tokens=256, backend="none", instruction_set="any"
    )
    with tempfile.TemporaryDirectory(prefix="eagleray-world-") as name:
        folder = Path(name) / "segment"
        write_segment(
            _make_table(part),
            vectors,
            spec=SegmentSpec(zone=part[0].zone, embedder=embedder, codebook=codebook),
            folder=folder,
        )
        return publish_segment(Collection(store, COLLECTION), folder)


def _make_table(part: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "chunk_id": row.chunk_id,
                "doc_id": row.doc_id,
                "version": "v",
                "ordinal": 0,
                "start": 0,
                "end": len(row.text),
                "page": None,
                "title": row.title,
                "heading": "",
                "text": row.text,
                "source": "s",
                "zone": row.zone,
                "groups": sorted(row.groups),
                "event_time": None,
                "known_from": row.known_from,
                "known_to": row.known_to,
                "attributes": canonical_json(row.attributes).decode(),
            }
            for row in part
        ],
        schema=CHUNK_SCHEMA,
    )


_Patch = dict[int, tuple[int | None, frozenset[str] | None]]


def _draw_patch(rows: list[Row], drawn: random.Random) -> _Patch:
    """Draw new ends and new groups of some rows."""
    patch: _Patch = {}
    for row in drawn.sample(rows, drawn.randrange(1, max(2, len(rows) // 4))):
        end = row.known_from + drawn.randrange(1, 40) if drawn.random() < 0.6 else None
        groups = frozenset(drawn.sample(GROUPS, drawn.randrange(3))) if drawn.random() < 0.6 else None
        patch[row.chunk_id] = (end, groups)
    return patch


def _make_patch(patch: _Patch) -> pa.Table:
    rows = [
        {"chunk_id": chunk_id, "known_to": end, "groups": None if groups is None else sorted(groups)}
        for chunk_id, (end, groups) in sorted(patch.items())
    ]
    return pa.Table.from_pylist(rows, schema=PATCH_SCHEMA)


def _apply(rows: list[Row], patches: list[_Patch]) -> None:
    """Change the plain rows as the patches say: the earliest end wins, the last groups win."""
    for patch in patches:
        for row in rows:
            end, groups = patch.get(row.chunk_id, (None, None))
            if end is not None:
                row.known_to = min(row.known_to, end)
            if groups is not None:
                row.groups = groups


def _normalise(vectors: np.ndarray) -> FloatMatrix:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
