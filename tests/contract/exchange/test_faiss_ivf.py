"""An exported index of inverted lists, opened by FAISS alone, against our own index over the same rows."""

from __future__ import annotations

import faiss
import numpy as np
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.exchange import ExchangeFormat, ExportRequest
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.principals import Principal
from eagleray.errors import InputError
from indexes.dense.codebooks import Codebook
from indexes.dense.codes import make_lists, resize_encoder
from indexes.dense.contracts import Effort
from indexes.dense.ivf import open_ivf
from indexes.dense.queries import DenseQuery
from indexes.exchange.exporting import export_snapshot
from indexes.masks.grammar import parse_filter
from indexes.selections import select_all
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from tests.small_collections import (
    DAY,
    DIM,
    SPEC,
    make_codebook,
    make_manifest,
    make_rows,
    make_vectors,
    put_changes,
    put_segment,
)

KINDS = [kind for kind in IndexKind if kind is not IndexKind.FLAT]
CALLER = Principal(subject="test", groups=frozenset({"rates"}))
AS_OF = 39 * DAY
WHERE = "year != 2003"


@pytest.fixture(scope="module", params=KINDS, ids=str)
def kind(request):
    return request.param


def put_notes(store, *codebooks, zones=("default", "default", "default")):
    """Write three segments, the last without lists, some rows closed by a patch; return the snapshot."""
    rng = np.random.default_rng(5)
    put_collection(store, SPEC)
    digests, closed = [], []
    for number, (zone, codebook) in enumerate(zip(zones, [*codebooks, None], strict=True)):
        rows = make_rows(rng, n_documents=60, first=number * 100, zone=zone)
        for row in rows:
            row["groups"] = [["rates"], ["credit"], []][int(row["doc_id"].split("-")[1]) % 3]
        closed += [(row["chunk_id"], 39 * DAY, None) for row in rows[::9] if row["known_from"] < 39 * DAY]
        digests.append(put_segment(store, rows, make_vectors(rng, len(rows)), zone=zone, codebook=codebook))
    patch = put_changes(store, closed)
    snapshot = put_snapshot(store, make_manifest(store, digests, patches=(patch,)))
    return open_snapshot(Collection(store, SPEC.name), snapshot)


@pytest.fixture(scope="module")
def codebook(kind):
    return make_codebook(np.random.default_rng(8), kind=kind, n_lists=8)


@pytest.fixture(scope="module")
def opened(codebook, tmp_path_factory):
    return put_notes(open_store(tmp_path_factory.mktemp("ivf") / "store"), codebook, codebook)


def export(opened, target, *, where=WHERE, principal=CALLER):
    request = ExportRequest(
        snapshot=opened.snapshot_id,
        target=str(target),
        format=ExchangeFormat.FAISS_IVF,
        principal=principal,
        as_of=AS_OF,
        filter=where,
    )
    export_snapshot(opened, request, expression=parse_filter(where) if where else None)
    return target / "index.faiss"


def list_allowed(opened):
    """Return chunk_id -> vector of the rows that may leave, found row by row."""
    found = {}
    for view in opened.segments:
        bits = np.unpackbits(view.group_bits, axis=1, bitorder="little", count=view.n_rows).astype(bool)
        for place, row in enumerate(view.rows.to_pylist()):
            groups = {name for name, bit in zip(view.group_names, bits[:, place], strict=True) if bit}
            is_known = view.known_from[place] <= AS_OF < view.known_to[place]
            if is_known and groups & {"public", "rates"} and row["attr.integer.year"] != 2003:
                found[int(view.chunk_ids[place])] = view.vectors[place]
    return found


def list_ids(index):
    """Return the ids of every list."""
    lists = index.invlists
    held = [
        faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)) for number in range(index.nlist)
    ]
    return np.concatenate(held).tolist()


def test_exactly_the_selected_rows_are_in_the_file(opened, tmp_path):
    allowed = list_allowed(opened)
    assert 50 < len(allowed) < opened.n_rows
    index = faiss.read_index(str(export(opened, tmp_path / "out")))
    assert index.ntotal == len(allowed)
    assert sorted(list_ids(index)) == sorted(allowed)
    rows = pq.read_table(tmp_path / "out" / "rows.parquet")
    assert sorted(rows["chunk_id"].to_pylist()) == sorted(allowed)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "export.json",
        "index.faiss",
        "rows.parquet",
    ]


def test_faiss_finds_in_all_lists_what_our_own_index_over_these_rows_finds(opened, codebook, tmp_path):
    allowed = list_allowed(opened)
    ids, vectors = np.array(sorted(allowed)), np.stack([allowed[number] for number in sorted(allowed)])
    theirs = faiss.read_index(str(export(opened, tmp_path / "out")))
    theirs.nprobe = theirs.nlist
    centroids = theirs.quantizer.reconstruct_n(0, theirs.nlist)
    own = Codebook(
        kind=codebook.kind,
        centroids=centroids,
        encoder=resize_encoder(codebook.encoder, make_lists(centroids)),
        mean_error=1.0,
        probes=vectors[:1],
    )
    labels = np.empty(len(ids), dtype=np.int32)
    for number in range(theirs.nlist):
        size = theirs.invlists.list_size(number)
        held = faiss.rev_swig_ptr(theirs.invlists.get_ids(number), size)
        labels[np.searchsorted(ids, held)] = number
    path = tmp_path / "own.faiss"
    path.write_bytes(own.encode(vectors, labels))
    ours = open_ivf(path, codebook=own, vectors=vectors, ids=ids)
    effort = Effort(n_probes=theirs.nlist, n_candidates=10)
    for query in make_vectors(np.random.default_rng(4), 30):
        rows = ours.find_candidates(DenseQuery(query, dim=DIM), selection=select_all(len(ids)), effort=effort)
        _, found = theirs.search(query[None], 10)
        assert set(found[0].tolist()) == set(ids[rows].tolist())


def test_its_best_are_nearly_the_true_neighbours(opened, kind, tmp_path):
    allowed = list_allowed(opened)
    ids, vectors = np.array(sorted(allowed)), np.stack([allowed[number] for number in sorted(allowed)])
    index = faiss.read_index(str(export(opened, tmp_path / "out")))
    index.nprobe = index.nlist
    queries = make_vectors(np.random.default_rng(6), 40)
    true = ids[np.argsort(-(queries @ vectors.T), axis=1)[:, :10]]
    _, found = index.search(queries, 30)
    share = np.mean([np.isin(row, some).mean() for row, some in zip(true, found, strict=True)])
    least = {IndexKind.IVF_FLAT: 1.0, IndexKind.IVF_SQ8: 0.99, IndexKind.IVF_RABITQ4: 0.99}
    assert 30 / len(ids) < 0.3  # what chance would find
    assert share >= least.get(kind, 0.65)


def test_centroids_are_those_of_the_exported_rows_alone(opened, tmp_path):
    allowed = list_allowed(opened)
    index = faiss.read_index(str(export(opened, tmp_path / "out")))
    for number, centroid in enumerate(index.quantizer.reconstruct_n(0, index.nlist)):
        size = index.invlists.list_size(number)
        held = faiss.rev_swig_ptr(index.invlists.get_ids(number), size).tolist()
        mean = np.mean([allowed[chunk_id] for chunk_id in held], axis=0, dtype=np.float64)
        np.testing.assert_allclose(centroid, mean / np.linalg.norm(mean), atol=1e-6)


def test_the_same_export_has_the_same_bytes(opened, tmp_path):
    first, second = (export(opened, tmp_path / name).read_bytes() for name in ("one", "two"))
    assert first == second


def test_rows_without_lists_or_of_several_codebooks_are_refused_and_nothing_is_written(kind, tmp_path):
    rng = np.random.default_rng(9)
    books = [make_codebook(rng, kind=kind), make_codebook(rng, kind=kind)]
    zones = ("london", "tokyo", "paris")
    opened = put_notes(open_store(tmp_path / "store"), *books, zones=zones)
    with pytest.raises(InputError, match=r"2 codebooks \(zones: london, tokyo\).*--format faiss"):
        export(opened, tmp_path / "out", where="")
    with pytest.raises(InputError, match="no segment of these rows has inverted lists"):
        export(opened, tmp_path / "out", where='zone = "paris"')
    assert not (tmp_path / "out").exists()
    export(opened, tmp_path / "out", where='zone = "tokyo"')
