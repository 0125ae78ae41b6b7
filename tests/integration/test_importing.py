from __future__ import annotations

import json

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.exchange import ExchangeFormat, ExportRequest, ImportRequest
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import IngestRequest
from eagleray.contracts.times import parse_instant
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import InputError, SourceError
from indexes.service import LocalIndexService
from ray_jobs.service import RayJobService

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

WITH_VECTORS = [kind for kind in ExchangeFormat if kind is not ExchangeFormat.FAISS_IVF]  # which holds codes

DESK = Principal(subject="test", groups=frozenset({"desk"}))
TEXTS = [f"Bond number {number} pays a coupon of {number} per cent." for number in range(40)]


def note(number):
    """Return a record with everything a record may have; every fourth text is cut into many chunks."""
    text = TEXTS[number] * (60 if number % 4 == 0 else 1)
    metadata = {
        "year": 2000 + number,
        "yield": number / 2,
        "source": "x",
        "when": "2020-03-01",
        "tags": ["a"],
    }
    record = {"_id": f"n{number}", "title": f"Note {number}", "text": text, "metadata": metadata}
    record |= {
        "known_from": f"2020-01-{number % 28 + 1:02d}T00:00:00Z",
        "groups": ["desk"] if number % 3 else [],
    }
    return record | ({"known_to": "2024-01-01T00:00:00Z"} if number % 5 == 0 else {})


def ignore(stage, done, total):
    pass


def take(settings, source, **more):
    request = ImportRequest(source=str(source), **{"model": "hashing", **more})
    return RayJobService(settings).import_rows(request, ignore)


def ask(settings, **more):
    """Return every hit of some questions, scores included, and facets."""
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    found = []
    for query in ("coupon of 7 per cent", "bond number 12", "note"):
        for mode in SearchMode:
            request = SearchRequest(
                query=query,
                k=50,
                mode=mode,
                granularity=Granularity.CHUNK,
                principal=DESK,
                exact=True,
                **more,
            )
            found += engine.search(request).hits
    return found


@pytest.fixture(scope="module")
def exported(cluster, tmp_path_factory):
    """Return settings of an ingested collection, and the folder of its exports by format."""
    from eagleray.settings import Settings

    root = tmp_path_factory.mktemp("exported")
    (root / "desk").mkdir()
    lines = [json.dumps(note(number)) + "\n" for number in range(len(TEXTS))]
    (root / "desk" / "notes.jsonl").write_text("".join(lines))
    settings = Settings(
        store=str(root / "store"), collection="notes", embedder={"model": "hashing"}, jobs={"workers": 2}
    )
    RayJobService(settings).ingest(IngestRequest(source=str(root / "desk")), ignore)
    for kind in WITH_VECTORS:
        request = ExportRequest(
            snapshot="live",
            target=str(root / kind),
            format=kind,
            principal=DESK,
            as_of=parse_instant("2021-01-01"),
        )
        LocalIndexService(settings).export(request)
    return settings, root


@pytest.mark.parametrize("kind", WITH_VECTORS)
def test_what_was_exported_comes_back_as_an_equal_collection(exported, settings, kind):
    origin, root = exported
    report = take(settings, root / kind)
    n_chunks = pq.read_metadata(root / "parquet" / "rows.parquet").num_rows
    assert report["rows_read"] == n_chunks > len(TEXTS)
    assert (report["documents_new"], report["dead_letters"], report["published"]) == (len(TEXTS), 0, 1)
    assert report["rows_compared"] > 0
    for as_of in (None, parse_instant("2020-01-15"), parse_instant("2023-01-01")):
        assert ask(settings, as_of=as_of) == ask(origin, as_of=as_of)
    shown = [LocalIndexService(item).show_snapshot(snapshot="live") for item in (origin, settings)]
    assert shown[0]["attributes"] == shown[1]["attributes"]
    assert shown[0]["n_rows"] == shown[1]["n_rows"]
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_the_same_again_changes_nothing_and_closes_nothing(exported, settings):
    _, root = exported
    first = take(settings, root / "parquet")
    again = take(settings, root / "npy")
    assert (again["changed"], again["snapshot"]) == (False, first["snapshot"])
    table = pq.read_table(root / "parquet" / "rows.parquet")
    some = root / f"some-{settings.collection}.parquet"
    pq.write_table(table.slice(0, 5), some)
    assert not take(settings, some)["changed"]


def make_plain(n=20, *, dim=None, **columns):
    """Return rows as other tools write them, with vectors of the hashing embedder."""
    texts = TEXTS[:n]
    vectors = HashingEmbedder().embed_passages(texts)
    table = {"_id": [f"p{row}" for row in range(n)], "text": texts, "desk": ["rates"] * n}
    table |= {"known_from": ["2020-01-01"] * n, "emb": list(vectors)}
    return table | columns


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
@pytest.mark.parametrize("is_fixed", [True, False])
def test_rows_of_another_tool_need_only_an_id_a_text_and_a_column_of_vectors(
    cluster, settings, tmp_path, kind, is_fixed
):
    table = make_plain()
    vectors = [row.astype(kind.to_pandas_dtype()) for row in table["emb"]]
    table["emb"] = pa.array(vectors, pa.list_(kind, 384) if is_fixed else pa.list_(kind))
    pq.write_table(pa.table(table), tmp_path / "mine.parquet", row_group_size=7)
    report = take(settings, tmp_path / "mine.parquet", vectors="emb")
    assert (report["documents_new"], report["dead_letters"]) == (20, 0)
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    hit = engine.search(SearchRequest(query=TEXTS[7], k=1, mode=SearchMode.DENSE)).hits[0]
    assert (hit.doc_id, hit.source) == ("p7", "mine/mine.parquet")
    assert hit.score == pytest.approx(1.0, abs=1e-3)
    assert hit.attributes == {"desk": "rates"}


def test_bad_vectors_are_dead_letters_and_the_others_come_in(cluster, settings, tmp_path):
    table = make_plain()
    vectors = [row.tolist() for row in table["emb"]]
    vectors[1][5] = float("nan")
    vectors[2] = [0.0] * 384
    vectors[3] = vectors[3][:100]
    vectors[4] = [2 * number for number in vectors[4]]
    vectors[5] = None
    table["emb"] = pa.array(vectors, pa.list_(pa.float32()))
    table["text"] = [*table["text"][:6], " ", *table["text"][7:]]
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table(table), tmp_path / "in" / "mine.parquet")
    report = take(settings, tmp_path / "in", vectors="emb")
    letters = RayJobService(settings).list_dead_letters(run=report["run"])
    assert [(letter["position"], letter["reason"]) for letter in letters] == [
        *((f"row {row}", "invalid_vector") for row in (2, 3, 4, 5, 6)),
        ("row 7", "empty_text"),
    ]
    assert "found length 2; --normalise scales it" in letters[3]["detail"]
    assert report["documents_new"] == 14
    scaled = take(settings, tmp_path / "in", vectors="emb", is_normalised=True)
    assert (scaled["documents_new"], scaled["dead_letters"]) == (1, 5)


def test_vectors_of_another_model_are_refused_unless_they_are_trusted(cluster, settings, tmp_path):
    table = make_plain()
    table["emb"] = table["emb"][1:] + table["emb"][:1]
    pq.write_table(pa.table(table), tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=r"rows looked at have other vectors than hashing.*--trust-vectors"):
        take(settings, tmp_path / "mine.parquet", vectors="emb")
    assert not (tmp_path / "store" / "notes").exists()
    report = take(settings, tmp_path / "mine.parquet", vectors="emb", is_trusted=True)
    assert (report["documents_new"], report["rows_compared"]) == (20, 0)


def test_vectors_beside_the_rows_must_be_as_many_as_long_and_in_the_same_order(cluster, settings, tmp_path):
    table = make_plain()
    vectors = np.stack(table.pop("emb"))
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({**table, "chunk_id": range(20)}), folder / "mine.parquet")
    np.save(folder / "vectors.npy", vectors[:-1])
    with pytest.raises(SourceError, match="it has 19 rows, the files of rows have 20"):
        take(settings, folder)
    np.save(folder / "short.npy", vectors[:, :100])
    with pytest.raises(SourceError, match="vectors have 100 numbers, those of hashing 384"):
        take(settings, folder, vectors="short.npy")
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(384))
    index.add_with_ids(vectors, np.arange(20)[::-1].copy())
    faiss.write_index(index, str(folder / "index.faiss"))
    with pytest.raises(SourceError, match="row 1 has the id 19, but the rows' chunk_id is 0"):
        take(settings, folder, vectors="index.faiss")
    assert not (tmp_path / "store" / "notes").exists()


def test_rows_of_one_version_that_disagree_on_who_may_read_them_are_set_aside(exported, settings, tmp_path):
    _, root = exported
    rows = pq.read_table(root / "parquet" / "rows.parquet")
    records = rows.to_pylist()
    chosen = [number for number, row in enumerate(records) if row["doc_id"] == "n4"]
    assert len(chosen) > 2
    records[chosen[1]]["groups"] = []
    pq.write_table(pa.Table.from_pylist(records, schema=rows.schema), tmp_path / "rows.parquet")
    report = take(settings, tmp_path / "rows.parquet")
    assert (report["dead_letters"], report["documents_new"]) == (len(chosen), len(TEXTS) - 1)
    assert "n4" not in {hit.doc_id for hit in ask(settings)}


def test_content_that_comes_back_brings_its_own_vector(cluster, settings, tmp_path):
    for number, text in enumerate((TEXTS[1], TEXTS[2], TEXTS[1])):
        table = make_plain(1, text=[text], known_from=[f"202{number}-01-01"])
        table["emb"] = list(HashingEmbedder().embed_passages([text]))
        pq.write_table(pa.table(table), tmp_path / "mine.parquet")
        assert take(settings, tmp_path / "mine.parquet", vectors="emb")["versions_added"] == 1
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    (hit,) = engine.search(SearchRequest(query=TEXTS[1], mode=SearchMode.DENSE)).hits
    assert hit.score == pytest.approx(1.0)


def test_the_command_says_what_came_in_and_what_to_do(cli, tmp_path):
    pq.write_table(pa.table(make_plain()), tmp_path / "mine.parquet")
    refused = cli("import", tmp_path / "mine.parquet", "--model", "hashing")
    assert refused.code == 2
    assert (
        "there is no column 'vector' for the vectors; found _id, text, desk, known_from, emb" in refused.err
    )
    done = cli("import", tmp_path / "mine.parquet", "--model", "hashing", "--vectors", "emb")
    assert done.code == 0, done.err
    assert "20 rows read" in done.out
    assert "ask it: eagleray search" in done.out
