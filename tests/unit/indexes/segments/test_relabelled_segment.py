from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.digests import canonical_json
from indexes.segments.codebooks import put_codebook
from indexes.segments.compacting import compact_segments
from indexes.segments.opened_segment import open_segment
from indexes.segments.relabelled_segment import LABEL_SCHEMA, relabel_segment
from indexes.segments.rows import CONTENT
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.storage.local import LocalStore
from tests.small_collections import EMBEDDER, SPEC, make_codebook, make_rows, make_vectors, put_segment


@pytest.fixture
def collection(tmp_path):
    return Collection(LocalStore(tmp_path / "store"), SPEC.name)


@pytest.fixture
def rows():
    return make_rows(np.random.default_rng(5), n_documents=9)


@pytest.fixture
def vectors(rows):
    return make_vectors(np.random.default_rng(6), len(rows))


def make_labels(rows, *, is_moved=False):
    """Return labels of some rows: another title and desk, the other attributes as they were."""
    return [
        {
            "chunk_id": row["chunk_id"],
            "is_moved": is_moved,
            "title": f"Now {row['title']}",
            "event_time": None if row["event_time"] else 7,
            "attributes": canonical_json(json.loads(row["attributes"]) | {"desk": "rates"}).decode(),
            "content": f"digest of {row['doc_id']}",
        }
        for row in rows
    ]


def tabulate(labels):
    return pa.Table.from_pylist(labels, schema=LABEL_SCHEMA)


def put_labelled(collection, rows, vectors, *, codebook, folder):
    """Write a segment of rows that have a content, and return its digest."""
    table = pa.Table.from_pylist(rows, schema=CHUNK_SCHEMA.append(CONTENT))
    spec = SegmentSpec(zone="default", embedder=replace(EMBEDDER, dim=vectors.shape[1]), codebook=codebook)
    write_segment(table, vectors, spec=spec, folder=folder)
    if codebook is not None:
        put_codebook(collection, codebook)
    return publish_segment(collection, folder)


@pytest.mark.parametrize("has_lists", [False, True])
def test_a_segment_becomes_the_very_one_that_would_have_been_written_with_these_labels(
    collection, rows, vectors, has_lists, tmp_path
):
    codebook = make_codebook(np.random.default_rng(1)) if has_lists else None
    digest = put_segment(collection.store, rows, vectors, codebook=codebook)
    labels = make_labels(rows[::2])
    new = {label["chunk_id"]: label for label in labels}
    wanted = [{**row, "content": None, **new.get(row["chunk_id"], {})} for row in rows]
    made = relabel_segment(collection, digest, [tabulate(labels[1:]), tabulate(labels[:1])])
    at_once = put_labelled(collection, wanted, vectors, codebook=codebook, folder=Path(tmp_path) / "once")
    assert made == at_once
    assert made == relabel_segment(collection, digest, [tabulate(labels)])


def test_rows_that_moved_are_left_out_and_a_segment_of_none_is_none(collection, rows, vectors):
    digest = put_segment(collection.store, rows, vectors)
    moved = make_labels(rows[:3], is_moved=True)
    view = open_segment(collection, relabel_segment(collection, digest, [tabulate(moved)]))
    assert set(view.chunk_ids.tolist()) == {row["chunk_id"] for row in rows[3:]}
    kept = {row["chunk_id"]: vector.tolist() for row, vector in zip(rows, vectors, strict=True)}
    found = zip(view.chunk_ids.tolist(), view.vectors.tolist(), strict=True)
    assert all(kept[number] == vector for number, vector in found)
    assert relabel_segment(collection, digest, [tabulate(make_labels(rows, is_moved=True))]) is None


def test_a_segment_without_new_labels_stays(collection, rows, vectors):
    digest = put_segment(collection.store, rows[:-1], vectors[:-1])
    assert relabel_segment(collection, digest, [tabulate(make_labels(rows[-1:]))]) == digest
    assert relabel_segment(collection, digest, []) == digest


def test_labels_are_laid_over_labels_and_survive_a_compaction(collection, rows, vectors):
    first = put_segment(collection.store, rows[:8], vectors[:8])
    other = put_segment(collection.store, rows[8:], vectors[8:])
    once = relabel_segment(collection, first, [tabulate(make_labels(rows[:4]))])
    again = [{**label, "title": "Again", "content": "again"} for label in make_labels(rows[2:3])]
    twice = relabel_segment(collection, once, [tabulate(again)])
    joined = open_segment(collection, compact_segments(collection, [twice, other]))
    found = dict(zip(joined.chunk_ids.tolist(), joined.rows.to_pylist(), strict=True))
    assert [found[row["chunk_id"]]["content"] for row in rows[:5]] == [
        f"digest of {rows[0]['doc_id']}",
        f"digest of {rows[1]['doc_id']}",
        "again",
        f"digest of {rows[3]['doc_id']}",
        None,
    ]
    assert found[rows[2]["chunk_id"]]["title"] == "Again"
    assert found[rows[8]["chunk_id"]]["content"] is None
