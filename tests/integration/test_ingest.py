from __future__ import annotations

import json
import os
import random
import shutil

import pytest

from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import IngestRequest
from eagleray.contracts.times import parse_instant
from eagleray.errors import DocumentsOpenedError, InputError, SourceError
from indexes.service import LocalIndexService
from ray_jobs.service import RayJobService

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


def note(doc_id, text, *, known_from="2020-01-01T00:00:00Z", **more):
    return {"_id": doc_id, "title": f"Note {doc_id}", "text": text, "known_from": known_from, **more}


NOTES = [
    note(f"n{number}", f"Bond number {number} pays a coupon of {number} per cent.") for number in range(12)
]


def ingest(settings, folder, **more):
    request = IngestRequest(source=str(folder), **more)
    return RayJobService(settings).ingest(request, lambda stage, done, total: None)


def find(settings, query, **more):
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    return engine.search(SearchRequest(query=query, **more)).hits


def test_the_same_input_again_changes_nothing_and_says_so(cluster, settings, write_notes):
    folder = write_notes(NOTES)
    first = ingest(settings, folder)
    again = ingest(settings, folder)
    assert first["changed"]
    assert not again["changed"]
    assert again["snapshot"] == first["snapshot"]
    assert "nothing changed" in again["message"]


def test_a_changed_note_supersedes_the_older_and_a_removed_one_is_closed(cluster, settings, write_notes):
    ingest(settings, write_notes(NOTES))
    changed = note("n3", "Bond number 3 now pays a floating rate.", known_from="2021-06-01T00:00:00Z")
    report = ingest(settings, write_notes([*NOTES[:3], changed, *NOTES[5:]]))
    assert (report["superseded"], report["removed"], report["versions_added"]) == (1, 1, 1)
    now = find(settings, "bond number 3", k=20)
    before = find(settings, "bond number 3", k=20, as_of=parse_instant("2021-01-01"))
    assert "floating" in next(hit.text for hit in now if hit.doc_id == "n3")
    assert "coupon of 3" in next(hit.text for hit in before if hit.doc_id == "n3")
    assert "n4" not in {hit.doc_id for hit in now}
    assert "n4" in {hit.doc_id for hit in before}
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_a_file_that_is_put_back_is_what_its_source_holds_whatever_its_date(cluster, settings, tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "b.txt").write_text("Another note.")

    def put(text, modified_s):
        (folder / "a.txt").write_text(text)
        os.utime(folder / "a.txt", (modified_s, modified_s))
        return ingest(settings, folder)

    def find_notes():
        return [hit.text for hit in find(settings, "coupon") if hit.doc_id == "desk/a.txt"]

    old, new = "The coupon is three per cent.", "The coupon is four per cent."
    put(old, 1)
    put(new, 2)
    assert find_notes() == [new]
    assert put(old, 1)["versions_added"] == 1  # as `cp -p` from a backup leaves it
    assert find_notes() == [old]
    assert put(old, 3)["versions_added"] == 0  # touched, nothing else
    assert find_notes() == [old]
    (folder / "a.txt").unlink()
    ingest(settings, folder)
    assert find_notes() == []
    put(new, 2)
    assert find_notes() == [new]
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_a_document_stands_as_long_as_one_of_its_files_does(cluster, settings, write_notes):
    def write(month, text):
        known_from = f"2020-0{month}-01T00:00:00Z"
        return write_notes([note("n1", text, known_from=known_from)], name=f"{month}.jsonl")

    for month in (1, 2, 3):
        folder = write(month, f"The bond pays {month} per cent.")
    ingest(settings, folder)
    (folder / "3.jsonl").unlink()
    report = ingest(settings, folder)
    assert (report.get("removed", 0), report["superseded"], report["versions_added"]) == (0, 1, 1)
    assert [hit.text for hit in find(settings, "bond")] == ["The bond pays 2 per cent."]
    known = [find(settings, "bond", as_of=parse_instant(f"2020-0{month}-15"))[0].text for month in (1, 2, 3)]
    assert known == [f"The bond pays {month} per cent." for month in (1, 2, 3)]
    (folder / "2.jsonl").unlink()
    ingest(settings, folder)
    assert [hit.text for hit in find(settings, "bond")] == ["The bond pays 1 per cent."]
    (folder / "0.jsonl").write_text(json.dumps(note("n2", "Another bond.")) + "\n")
    (folder / "1.jsonl").unlink()
    assert ingest(settings, folder)["removed"] == 1
    assert [hit.doc_id for hit in find(settings, "bond")] == ["n2"]
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []


def test_a_store_in_its_own_source_is_no_part_of_it(cli, tmp_path, monkeypatch):
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "a.txt").write_text("A bond pays a coupon.")
    monkeypatch.chdir(tmp_path / "desk")
    monkeypatch.setenv("EAGLERAY_STORE", "eagleray-store")
    monkeypatch.setenv("EAGLERAY_AUDIT__STORE", "log")
    (tmp_path / "desk" / "log").mkdir()
    (tmp_path / "desk" / "log" / "asked.txt").write_text("Who asked what.")
    first = cli("ingest", ".", "--json")
    again = cli("ingest", ".", "--json")
    assert (first.code, first.shown["documents_new"], first.shown["dead_letters"]) == (0, 1, 0), first.out
    assert (again.code, again.shown["changed"]) == (0, False), again.out
    assert first.shown["passed_over"] == {"own_files": 1}
    assert again.shown["passed_over"]["own_files"] > 2


def test_another_mapping_reads_files_again_that_have_not_changed(cluster, settings, write_notes, tmp_path):
    folder = write_notes([note("n1", "Bond one.", desk="rates"), note("n2", "Bond two.", desk="credit")])
    ingest(settings, folder)
    (tmp_path / "mapping.yaml").write_text("groups: {field: desk}\n")
    report = ingest(settings, folder, mapping=str(tmp_path / "mapping.yaml"))
    assert (report["regrouped"], report["versions_added"]) == (2, 0)
    assert find(settings, "bond") == ()
    trader = Principal(subject="a", groups=frozenset({"credit"}))
    assert [hit.doc_id for hit in find(settings, "bond", principal=trader)] == ["n2"]


def test_a_run_without_the_mapping_does_not_open_documents(cluster, settings, write_notes, tmp_path, cli):
    folder = write_notes([note("n1", "Bond one.", desk="rates"), note("n2", "Bond two.", desk="credit")])
    (tmp_path / "mapping.yaml").write_text("groups: {field: desk}\n")
    ingest(settings, folder, mapping=str(tmp_path / "mapping.yaml"))
    (folder / "more.txt").write_text("A third bond.")
    refused = cli("ingest", folder, "--json")
    assert (refused.code, refused.shown["error"]["type"]) == (2, "DocumentsOpenedError")
    assert "would open 2 of its documents" in refused.shown["error"]["message"]
    assert find(settings, "bond") == ()
    (folder / "notes.jsonl").touch()  # whether a file changed makes no difference
    with pytest.raises(DocumentsOpenedError):
        ingest(settings, folder, only_dead_letters=True)
    report = ingest(settings, folder, opens_documents=True)
    assert (report["opened_by_mapping"], report["regrouped"]) == (2, 2)
    assert len(find(settings, "bond")) == 3
    assert not ingest(settings, folder)["changed"]


def test_a_mapping_that_supersedes_many_documents_says_what_to_do_instead(
    cluster, settings, write_notes, tmp_path, cli
):
    folder = write_notes([note("n1", "Bond one.", rating="Buy"), note("n2", "Bond two.", rating="Sell")])
    ingest(settings, folder)
    (tmp_path / "mapping.yaml").write_text("attributes: {rating: {field: rating, type: string}}\n")
    shown = cli("ingest", folder, "--mapping", tmp_path / "mapping.yaml")
    assert shown.code == 0, shown.err
    assert "2 of 2 documents are superseded because of the mapping alone" in shown.out
    assert "--relabel" in shown.out
    assert "superseded_by_mapping" in shown.err  # before anything was embedded
    again = ingest(settings, folder, mapping=str(tmp_path / "mapping.yaml"))
    assert "superseded_by_mapping" not in {warning["kind"] for warning in again["warnings"]}


def test_a_restricted_note_is_invisible_outside_its_group(cluster, settings, write_notes):
    ingest(settings, write_notes([*NOTES, note("secret", "Project Falcon block trade.", groups=["ecm"])]))
    assert "secret" not in {hit.doc_id for hit in find(settings, "Project Falcon block trade", k=50)}
    insider = Principal(subject="a", groups=frozenset({"ecm"}))
    assert find(settings, "Project Falcon block trade", principal=insider)[0].doc_id == "secret"


def test_a_broken_line_is_set_aside_and_closes_nothing(cluster, settings, write_notes):
    folder = write_notes(NOTES)
    ingest(settings, folder)
    lines = (folder / "notes.jsonl").read_text().splitlines()
    (folder / "notes.jsonl").write_text("\n".join([*lines[:5], lines[5][:20], *lines[6:]]) + "\n")
    report = ingest(settings, folder)
    assert report["dead_letters"] == 1
    assert "n5" in {hit.doc_id for hit in find(settings, "bond number 5", k=20)}
    letters = RayJobService(settings).list_dead_letters(run="")
    assert [letter["reason"] for letter in letters] == ["invalid_json"]


def test_workers_partitions_and_the_order_of_lines_do_not_change_the_snapshot(cluster, settings, tmp_path):
    seen = set()
    lines = [json.dumps(record) for record in NOTES]
    for number, (workers, partition_bytes) in enumerate([(1, 1 << 20), (2, 1024), (2, 1 << 20)]):
        shuffled = random.Random(number).sample(lines, len(lines))  # noqa: S311 - a test's shuffle
        folder = tmp_path / "desk"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "notes.jsonl").write_text("\n".join(shuffled) + "\n")
        jobs = settings.jobs.model_copy(
            update={"workers": workers, "partition_bytes": partition_bytes, "shard_bytes": 1024}
        )
        store = str(tmp_path / f"store{number}")
        seen.add(ingest(settings.model_copy(update={"jobs": jobs, "store": store}), folder)["snapshot"])
    assert len(seen) == 1


def test_an_empty_folder_is_refused(cluster, settings, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no file"):
        ingest(settings, tmp_path / "empty")


def test_input_without_one_good_record_is_refused_with_its_dead_letters(cluster, settings, write_notes):
    folder = write_notes([])
    (folder / "notes.jsonl").write_text('{"_id": "a"\n')
    with pytest.raises(SourceError, match="1 records were set aside: eagleray dead-letters list --store"):
        ingest(settings, folder)
    assert len(RayJobService(settings).list_dead_letters(run="")) == 1


def test_another_chunker_is_refused_for_an_existing_collection(cluster, settings, write_notes):
    folder = write_notes(NOTES)
    ingest(settings, folder)
    chunker = settings.chunker.model_copy(update={"target_tokens": 100})
    with pytest.raises(InputError, match="another embedder or chunker: target_tokens 230, not 100; use"):
        ingest(settings.model_copy(update={"chunker": chunker}), folder)


def test_values_are_counted_for_the_caller_alone(cluster, settings, write_notes, cli):
    desks = ["rates" if number % 3 else "credit" for number in range(9)]
    notes = [note(f"n{number}", "Bond.", metadata={"desk": desk}) for number, desk in enumerate(desks)]
    secret = note("secret", "Bond.", metadata={"desk": "ecm"}, groups=["ecm"])
    ingest(settings, write_notes([*notes, secret]))
    assert cli("facets", "desk", "--json").shown == [
        {"documents": 6, "value": "rates"},
        {"documents": 3, "value": "credit"},
    ]
    assert len(cli("facets", "desk", "--group", "ecm", "--json").shown) == 3
    assert "rates" in cli("facets", "desk").out
    assert cli("facets", "deks").code == 2
