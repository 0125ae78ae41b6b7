from __future__ import annotations

import json
import sys
from dataclasses import replace

import faiss
import lance
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ExchangeFormat, ExportRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from eagleray.digests import canonical_json, digest_file
from eagleray.errors import FilterColumnError, GuardError, InputError, MissingExtraError
from indexes.exchange import blocks
from indexes.exchange.exporting import export_snapshot
from indexes.masks.grammar import parse_filter
from indexes.segments.segment_files import list_texts
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from tests.small_collections import (
    DAY,
    SPEC,
    make_manifest,
    make_rows,
    make_vectors,
    put_segment,
    put_small_snapshot,
)

EVERYONE = Principal(subject="test", groups=frozenset({"rates", "credit", "desk"}))
FIXED = ExchangeFormat


@pytest.fixture
def opened(tmp_path):
    store = open_store(tmp_path / "store")
    return open_snapshot(Collection(store, SPEC.name), put_small_snapshot(store))


@pytest.fixture
def export(opened, tmp_path):
    """Export the small snapshot and return the folder and the report."""

    def run(kind=FIXED.PARQUET, *, name="out", where="", **more):
        target = tmp_path / name
        request = ExportRequest(
            snapshot=opened.snapshot_id,
            target=str(target),
            format=kind,
            filter=where,
            **{"principal": EVERYONE, **more},
        )
        return target, export_snapshot(opened, request, expression=parse_filter(where) if where else None)

    return run


def list_visible(opened, *, as_of=None, groups=EVERYONE.groups):
    """Return (known_from, chunk_id, vector, text) of the visible rows, found row by row."""
    found = []
    for view in opened.segments:
        texts = list_texts(view.rows)
        bits = np.unpackbits(view.group_bits, axis=1, bitorder="little", count=view.n_rows).astype(bool)
        for row in range(view.n_rows):
            start, end = int(view.known_from[row]), int(view.known_to[row])
            is_known = end == OPEN_END if as_of is None else start <= as_of < end
            mine = {name for name, bit in zip(view.group_names, bits[:, row], strict=True) if bit}
            if is_known and mine & {"public", *groups}:
                found.append((start, int(view.chunk_ids[row]), view.vectors[row], texts[row]))
    return sorted(found, key=lambda item: item[:2])


@pytest.mark.parametrize("as_of", [None, 10 * DAY, 55 * DAY])
@pytest.mark.parametrize("groups", [frozenset(), frozenset({"rates"}), EVERYONE.groups])
def test_exactly_the_visible_rows_leave_in_order_of_time_with_their_own_vectors(
    opened, export, as_of, groups
):
    folder, report = export(as_of=as_of, principal=Principal(subject="test", groups=groups))
    table = pq.read_table(folder / "rows.parquet")
    wanted = list_visible(opened, as_of=as_of, groups=groups)
    assert report.rows == len(wanted) > 3
    assert table["chunk_id"].to_pylist() == [item[1] for item in wanted]
    assert np.array_equal(np.stack(table["vector"].to_numpy()), np.stack([item[2] for item in wanted]))
    headings, texts = table["heading"].to_pylist(), table["text"].to_pylist()
    shown = [f"{heading}\n{text}" if heading else text for heading, text in zip(headings, texts, strict=True)]
    assert shown == [item[3] for item in wanted]


def test_a_filter_and_closed_zones_hold_back_rows(opened, export):
    folder, _ = export(where="year >= 2005 and year < 2009")
    years = pq.read_table(folder / "rows.parquet")["year"].to_pylist()
    assert set(years) == {2005, 2006, 2007, 2008}
    with pytest.raises(InputError, match="nothing visible to this caller"):
        export(name="other", principal=Principal(subject="test", zones=frozenset({"elsewhere"})))


def test_groups_and_ends_are_those_after_patches_and_attributes_have_their_types(export):
    folder, _ = export(as_of=30 * DAY)
    rows = {row["doc_id"]: row for row in pq.read_table(folder / "rows.parquet").to_pylist()}
    assert rows["doc-1"]["groups"] == ["desk"]
    assert rows["doc-1"]["known_to"].timestamp() == 60 * 86_400
    closed = {name for name, row in rows.items() if row["known_to"] is not None}
    assert closed <= {"doc-0", "doc-1"}
    assert rows["doc-1"]["tags"] == ["a", "b"]
    schema = pq.read_schema(folder / "rows.parquet")
    assert (schema.field("year").type, schema.field("yield").type) == (pa.int64(), pa.float64())
    assert schema.field("vector").type == pa.list_(pa.float32(), SPEC.embedder.dim)


def test_every_format_holds_the_same_rows_and_vectors(export):
    folders = {kind: export(kind, name=str(kind))[0] for kind in ExchangeFormat}
    table = pq.read_table(folders[FIXED.PARQUET] / "rows.parquet")
    vectors, ids = np.stack(table["vector"].to_numpy()), table["chunk_id"].to_numpy()
    for kind in (FIXED.NPY, FIXED.FVECS, FIXED.FAISS):
        assert pq.read_table(folders[kind] / "rows.parquet").equals(table.drop_columns("vector"))
    for kind in (FIXED.NPY, FIXED.FVECS):
        assert np.array_equal(np.load(folders[kind] / "ids.npy", allow_pickle=False), ids)
    assert np.array_equal(np.load(folders[FIXED.NPY] / "vectors.npy", allow_pickle=False), vectors)
    raw = np.fromfile(folders[FIXED.FVECS] / "vectors.fvecs", dtype="<i4").reshape(len(ids), -1)
    assert set(raw[:, 0]) == {SPEC.embedder.dim}
    assert np.array_equal(raw[:, 1:].copy().view("<f4"), vectors)
    assert lance.dataset(str(folders[FIXED.LANCE] / "rows.lance")).to_table().equals(table)


def test_a_stock_faiss_finds_each_vector_under_its_chunk_id(export):
    folder, _ = export(FIXED.FAISS)
    table, _ = export(FIXED.PARQUET, name="rows")
    rows = pq.read_table(table / "rows.parquet")
    vectors = np.stack(rows["vector"].to_numpy())
    index = faiss.read_index(str(folder / "index.faiss"))
    similarities, ids = index.search(vectors, 3)
    exact = vectors @ vectors.T
    assert ids[:, 0].tolist() == rows["chunk_id"].to_pylist()
    assert np.allclose(similarities, np.sort(exact, axis=1)[:, :-4:-1], atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in ExchangeFormat if kind is not FIXED.LANCE])
def test_the_same_export_has_the_same_bytes_whatever_the_block(export, monkeypatch, kind):
    first, report = export(kind, name="first")
    second, _ = export(kind, name="second")
    assert report.files == tuple(sorted(path.name for path in first.iterdir()))
    assert report.bytes == sum(path.stat().st_size for path in first.iterdir())
    for name in report.files:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 5)
    third, _ = export(kind, name="third")
    for name in report.files:
        if name not in ("rows.parquet", "export.json"):  # a block is a row group
            assert (first / name).read_bytes() == (third / name).read_bytes()
    assert pq.read_table(first / "rows.parquet").equals(pq.read_table(third / "rows.parquet"))


def test_the_record_says_what_the_files_are(opened, export):
    folder, report = export(FIXED.NPY, as_of=DAY, where="year > 1")
    record = json.loads((folder / "export.json").read_text())
    assert record["snapshot"] == opened.snapshot_id
    assert (record["as_of"], record["filter"]) == ("1970-01-02T00:00:00Z", "year > 1")
    assert record["rows"] == report.rows
    assert record["model"]["name"] == SPEC.embedder.name
    assert {name: item["sha256"] for name, item in record["files"].items()} == {
        path.name: digest_file(path) for path in folder.iterdir() if path.name != "export.json"
    }


def test_a_target_that_holds_something_stays_as_it_is(export, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty; name a folder"):
        export()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        export(name="file")


def test_an_empty_folder_is_taken(export, tmp_path):
    (tmp_path / "out").mkdir()
    folder, _ = export()
    assert (folder / "rows.parquet").is_file()


@pytest.mark.parametrize("kind", list(ExchangeFormat))
def test_a_row_the_caller_may_not_see_stops_the_export_and_leaves_nothing(
    export, monkeypatch, tmp_path, kind
):
    def refuse(view, row, **_):
        raise GuardError(chunk_id=int(view.chunk_ids[row]), rule="it is a test")

    monkeypatch.setattr(blocks, "guard_row", refuse)
    with pytest.raises(GuardError):
        export(kind)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_lance_that_is_not_installed_names_its_extra(export, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(MissingExtraError, match=r"eagleray\[lance\]"):
        export(FIXED.LANCE)
    assert not (tmp_path / "out").exists()


def open_named(folder, *, secret_groups):
    """Open a snapshot of documents of which one, for some groups alone, has attributes that no other has."""
    store, rng = open_store(folder), np.random.default_rng(3)
    put_collection(store, SPEC)
    rows = make_rows(rng, n_documents=5)
    secret = {"issuer.name": "x", "year": "unknown"}
    for row in rows:
        row["attributes"] = canonical_json({"year": 2019} if row["doc_id"] != "doc-1" else secret).decode()
        row["groups"] = [] if row["doc_id"] != "doc-1" else secret_groups
    digest = put_segment(store, rows, make_vectors(rng, len(rows)))
    return open_snapshot(Collection(store, SPEC.name), put_snapshot(store, make_manifest(store, [digest])))


def test_lance_refuses_an_attribute_with_a_dot_before_anything_is_written(tmp_path):
    opened = open_named(tmp_path / "store", secret_groups=[])
    request = ExportRequest(
        snapshot="live", target=str(tmp_path / "out"), format=FIXED.LANCE, principal=EVERYONE
    )
    with pytest.raises(InputError, match=r"such as issuer\.name; choose --format parquet"):
        export_snapshot(opened, request, expression=None)
    assert not (tmp_path / "out").exists()


def test_attributes_that_only_hidden_rows_have_are_in_no_export(tmp_path):
    opened = open_named(tmp_path / "store", secret_groups=["desk"])
    stranger = Principal(subject="x")
    request = ExportRequest(
        snapshot="live", target=str(tmp_path / "out"), format=FIXED.PARQUET, principal=stranger
    )
    export_snapshot(opened, request, expression=None)
    schema = pq.read_schema(tmp_path / "out/rows.parquet")
    assert [name for name in schema.names if "issuer" in name or "year" in name] == ["year"]
    assert schema.field("year").type == pa.int64()
    with pytest.raises(FilterColumnError, match=r"there is no column 'issuer\.name'"):
        export_snapshot(
            opened,
            replace(request, target=str(tmp_path / "other")),
            expression=parse_filter('issuer.name = "x"'),
        )
