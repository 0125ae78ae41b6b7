from __future__ import annotations

import json

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from eagleray.contracts.chunks import Chunk, make_vector_schema
from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import SegmentManifest, encode_manifest
from eagleray.digests import digest_bytes, digest_file
from eagleray.errors import InputError, IntegrityError
from indexes.segments.attributes import find_attribute_types
from indexes.segments.manifests import decode_manifest
from indexes.segments.segment_files import SegmentSpec, list_texts, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.segments.vectors import align_vectors
from indexes.storage.local import LocalStore
from tests.small_collections import EMBEDDER, make_rows, make_table, make_vectors

RNG_ROWS = make_rows(np.random.default_rng(3), n_documents=9)
VECTORS = make_vectors(np.random.default_rng(4), len(RNG_ROWS))
TYPES = find_attribute_types(row["attributes"] for row in RNG_ROWS)


def write(rows, vectors, folder, *, zone="default"):
    table = rows if isinstance(rows, pa.Table) else make_table(rows)
    return write_segment(table, vectors, spec=SegmentSpec(zone=zone, embedder=EMBEDDER), folder=folder)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(len(RNG_ROWS))), cut=st.integers(0, len(RNG_ROWS)))
def test_any_order_and_chunking_of_the_rows_gives_the_same_bytes(order, cut, tmp_path_factory):
    expected = write(RNG_ROWS, VECTORS, tmp_path_factory.mktemp("a"))
    shuffled = make_table([RNG_ROWS[place] for place in order])
    split = pa.concat_tables([shuffled.slice(0, cut), shuffled.slice(cut)])
    assert write(split, VECTORS[order], tmp_path_factory.mktemp("b")) == expected


def test_values_under_nulls_do_not_reach_the_bytes(tmp_path):
    table = make_table(RNG_ROWS)
    place = table.schema.get_field_index("page")
    column = table["page"].combine_chunks()
    validity = column.buffers()[0]
    noise = np.where(column.is_valid(), column.fill_null(0), 77).astype(np.int32)
    noisy = pa.Array.from_buffers(pa.int32(), len(column), [validity, pa.py_buffer(noise)])
    assert noisy.equals(column)
    changed = table.set_column(place, table.schema.field(place), noisy)
    assert write(changed, VECTORS, tmp_path / "b") == write(table, VECTORS, tmp_path / "a")


def test_the_manifest_vouches_for_every_file_and_is_the_last_one(tmp_path):
    manifest = write(RNG_ROWS, VECTORS, tmp_path / "segment")
    data = (tmp_path / "segment/segment.json").read_bytes()
    assert decode_manifest(data, SegmentManifest, path="x") == manifest
    assert data == encode_manifest(manifest)
    files = {
        path.relative_to(tmp_path / "segment").as_posix() for path in (tmp_path / "segment").rglob("*.*")
    }
    assert set(manifest.files) == files - {"segment.json"}
    for name, entry in manifest.files.items():
        assert digest_file(tmp_path / "segment" / name) == entry.sha256
    assert manifest.n_rows == len(RNG_ROWS)
    assert manifest.groups == ("public", "credit", "rates")
    assert manifest.first_known == min(row["known_from"] for row in RNG_ROWS)
    assert manifest.last_known == max(row["known_from"] for row in RNG_ROWS)


def change(**fields):
    return [RNG_ROWS[0] | fields, *RNG_ROWS[1:]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least one row"),
        (change(chunk_id=RNG_ROWS[1]["chunk_id"]), "1 rows repeat"),
        (change(zone="hongkong"), "one zone"),
        (change(known_to=RNG_ROWS[0]["known_from"]), "never visible"),
        (change(attributes='{"year":{}}'), "attribute 'year': expected a string, boolean"),
        (make_table(RNG_ROWS).drop_columns("title"), "chunk schema"),
    ],
)
def test_rows_that_cannot_be_a_segment_are_refused(rows, message, tmp_path):
    with pytest.raises(InputError, match=message):
        write(rows, VECTORS[: len(rows)], tmp_path)
    assert not (tmp_path / "segment.json").exists()


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (VECTORS[:-1], "must be float32"),
        (VECTORS.astype(np.float64), "must be float32"),
        (VECTORS[:, :0], "must be float32"),
        (VECTORS[0], "must be float32"),
        (VECTORS * np.float32(1.01), "unit length"),
        (
            np.where(np.arange(len(VECTORS))[:, None] == 2, np.float32(np.nan), VECTORS),
            "row 2 has length nan",
        ),
        (
            np.where(np.arange(len(VECTORS))[:, None] == 2, np.float32(np.inf), VECTORS),
            "row 2 has length inf",
        ),
    ],
)
def test_vectors_that_do_not_fit_are_refused(vectors, message, tmp_path):
    with pytest.raises(InputError, match=message):
        write(RNG_ROWS, vectors, tmp_path)


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "old.txt").write_text("x")
    with pytest.raises(InputError, match="empty folder"):
        write(RNG_ROWS, VECTORS, tmp_path)


def test_the_lexical_index_reads_what_the_embedder_reads():
    rows = make_table(RNG_ROWS)
    chunks = [
        Chunk(ordinal=0, start=0, end=1, text=row["text"], heading=row["heading"]) for row in rows.to_pylist()
    ]
    assert list_texts(rows) == [chunk.embedded_text for chunk in chunks]
    assert any(not chunk.heading for chunk in chunks)


def make_vector_table(ids, vectors):
    column = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
    return pa.Table.from_arrays(
        [pa.array(ids, pa.int64()), column], schema=make_vector_schema(vectors.shape[1])
    )


@given(st.permutations(range(len(RNG_ROWS))))
def test_vectors_are_put_in_the_order_of_their_chunks(order):
    ids = np.array([row["chunk_id"] for row in RNG_ROWS])
    found = align_vectors(make_table(RNG_ROWS), make_vector_table(ids[order], VECTORS[order]))
    assert np.array_equal(found, VECTORS)
    assert found.flags.c_contiguous


@pytest.mark.parametrize("ids", [[0, 1], [1, 2], [1, 1]])
def test_a_vector_without_its_chunk_is_refused(ids):
    chunks = pa.table({"chunk_id": pa.array([0, 1, 1] if ids == [1, 1] else [3, 4][: len(ids)], pa.int64())})
    with pytest.raises(InputError, match="needs the other once"):
        align_vectors(chunks, make_vector_table(ids, VECTORS[:2]))


def test_publishing_twice_uploads_once_and_names_the_manifest(tmp_path):
    write(RNG_ROWS, VECTORS, tmp_path / "segment")
    store = LocalStore(tmp_path / "store")
    digest = publish_segment(Collection(store, "notes"), tmp_path / "segment")
    before = {item.path: item.tag for item in store.list("notes")}
    assert publish_segment(Collection(store, "notes"), tmp_path / "segment") == digest
    again = {item.path: item.tag for item in store.list("notes")}
    assert [path for path in before if again[path] != before[path]] == [
        f"notes/segments/{digest}/segment.json"  # written again, so that a vacuum finds the segment young
    ]
    assert digest == digest_bytes(store.read(f"notes/segments/{digest}/segment.json"))
    assert len(before) == 1 + len(json.loads((tmp_path / "segment/segment.json").read_bytes())["files"])


def test_a_damaged_folder_is_not_published(tmp_path):
    write(RNG_ROWS, VECTORS, tmp_path / "segment")
    with (tmp_path / "segment/vectors.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x00")
    store = LocalStore(tmp_path / "store")
    with pytest.raises(IntegrityError, match="vectors.npy"):
        publish_segment(Collection(store, "notes"), tmp_path / "segment")
    assert list(store.list("")) == []


def test_a_segment_names_the_types_that_occur_in_its_rows_alone(tmp_path):
    manifest = write(change(attributes='{"year":"2019-03-01"}'), VECTORS, tmp_path / "a")
    assert manifest.attributes == {**TYPES, "year": ("integer", "time")}
    manifest = write_segment(
        make_table(change(attributes='{"year":"2019-03-01"}')),
        VECTORS,
        spec=SegmentSpec(zone="default", embedder=EMBEDDER, texts={"year"}),
        folder=tmp_path / "b",
    )
    assert manifest.attributes["year"] == ("integer", "string")
