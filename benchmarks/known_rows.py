"""The rows a collection was built from, and an index of only those known at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.deliveries import Spans
from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.contracts.times import OPEN_END
from eagleray.errors import IntegrityError
from eagleray.settings import Settings
from indexes.searching.searcher import Searcher
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.vectors import align_vectors
from indexes.storage import open_store

IntVector: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRows:
    """Every row that was ever delivered, with the span in which it was known by the stories alone.

    Attributes:
        chunks: rows of `CHUNK_SCHEMA`, open-ended and without attributes.
        vectors: float32 [n_rows, dim], unit L2 norm.
        begins: int64 [n_rows], microseconds.
        ends: int64 [n_rows], microseconds.
    """

    chunks: pa.Table
    vectors: FloatMatrix
    begins: IntVector
    ends: IntVector

    def find_known(self, as_of: int) -> IntVector:
        """Return the numbers of the rows known at a time, microseconds."""
        return np.flatnonzero((self.begins <= as_of) & (as_of < self.ends))


def read_rows(settings: Settings, spans: Spans) -> KnownRows:
    """Return the chunk and vector files that the ingests left, joined with the stories' own spans.

    Raises:
        IntegrityError: a row is of a version nobody delivered, or a version has no row.
    """
    folder = Path(settings.store) / settings.collection
    chunks = pa.concat_tables(pq.read_table(path) for path in sorted((folder / "chunks").iterdir()))
    vectors = pa.concat_tables(pq.read_table(path) for path in sorted((folder / "vectors").iterdir()))
    versions = list(zip(chunks["doc_id"].to_pylist(), chunks["known_from"].to_pylist(), strict=True))
    if set(versions) != spans.keys():
        n_odd = len(set(versions) ^ spans.keys())
        raise IntegrityError(path=str(folder), expected="the versions delivered", found=f"{n_odd} others")
    plain = {
        "known_to": pa.array([OPEN_END] * len(versions), pa.int64()),
        "attributes": pa.array(["{}"] * len(versions), pa.string()),
    }
    columns = [plain.get(name, chunks[name]) for name in chunks.column_names]
    return KnownRows(
        chunks=pa.Table.from_arrays(columns, schema=chunks.schema).combine_chunks(),
        vectors=align_vectors(chunks, vectors.combine_chunks()),
        begins=np.array([begin for _, begin in versions], dtype=np.int64),
        ends=np.array([spans[version] for version in versions], dtype=np.int64),
    )


def build_searcher(rows: KnownRows, known: IntVector, *, embedder: Embedder, folder: Path) -> Searcher:
    """Write the known rows as one segment, as the product does, and open it; no rows, no segment.

    Args:
        rows: all rows.
        known: numbers of those that go into the index.
        embedder: embeds the questions.
        folder: an empty one, where the segment is written.
    """
    views = []
    if len(known):
        store = open_store(folder / "store")
        chunks, vectors = rows.chunks.take(known), rows.vectors[known]
        write_segment(
            chunks,
            vectors,
            spec=SegmentSpec(zone="default", embedder=embedder.identity),
            folder=folder / "segment",
        )
        digest = publish_segment(Collection(store, "oracle"), folder / "segment")
        views.append(open_segment(Collection(store, "oracle"), digest))
    return Searcher("0" * 64, views, embedder=embedder)
