from __future__ import annotations

import json
import shutil

import pytest

import eagleray
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from eagleray.errors import DocumentsOpenedError, NotPublishedError
from indexes.service import LocalIndexService
from indexes.snapshots.aliases import alias_history
from indexes.storage import open_store
from tests.integration.cut_runs import ingest, make_settings

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

WRONG = "attributes: {desk: {field: dezk, type: string}}\n"
RIGHT = """
attributes: {desk: {path: '(?P<value>rates|credit)', type: string}}
title: {field: headline}
"""
DAYS = (1, 2, 3)


def find(settings, query="coupon", *, snapshot="live", where="", **more):
    service = LocalIndexService(settings)
    expression = service.parse_filter(where) if where else None
    request = SearchRequest(query=query, k=50, filter=expression, **more)
    return service.open_engine(snapshot=snapshot).search(request).hits


def look(hits):
    """Return what a relabelling must leave as it was."""
    return sorted((hit.doc_id, hit.chunk_id, hit.version, hit.known_from, hit.text) for hit in hits)


def write_record(path, doc_id, *, day, text="", **more):
    text = text or f"The {doc_id} bond pays a coupon of {day} per cent."
    record = {"_id": doc_id, "text": text, "known_from": f"2024-01-0{day}T00:00:00Z", **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record) + "\n")


@pytest.fixture
def desk(tmp_path):
    """A folder of notes of two desks: one of them dated versions of a document, the other documents."""
    for day in DAYS:
        for name in ("rates", "credit"):
            number = day if name == "credit" else 1
            path = tmp_path / "desk" / name / f"{day}.jsonl"
            write_record(path, f"{name}-{number}", day=day, headline=f"Headline of {name} {day}")
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "right.yaml").write_text(RIGHT)
    return tmp_path


def relabel(desk, settings, mapping="right.yaml", **more):
    return ingest(settings, desk / "desk", mapping=str(desk / mapping), relabels=True, **more)


def test_every_earlier_day_finds_what_it_found_now_with_what_was_corrected(cluster, desk):
    settings = make_settings(desk)
    first = ingest(settings, desk / "desk", mapping=str(desk / "wrong.yaml"))
    instants = [None, *(parse_instant(f"2024-01-0{day}T12:00:00Z") for day in DAYS)]
    before = [find(settings, as_of=at) for at in instants]
    report = relabel(desk, settings)
    assert (report["relabelled"], report["times_kept"]) == (6, 0)
    assert report.keys().isdisjoint({"superseded", "versions_added", "removed", "not_relabelled"})
    for at, found in zip(instants, before, strict=True):
        hits = find(settings, as_of=at)
        assert look(hits) == look(found)
        assert {hit.attributes["desk"] for hit in hits} == {"rates", "credit"}
        assert all(hit.title == f"Headline of {hit.doc_id[:-2]} {hit.text[-11]}" for hit in hits), hits
        assert [hit.doc_id for hit in find(settings, where="desk = 'rates'", as_of=at)] == ["rates-1"]
    service = LocalIndexService(settings)
    (shown,) = service.show_snapshot(snapshot="live")["relabellings"]
    assert (shown["run"], shown["source"], shown["n_versions"]) == (report["run"], "desk", 6)
    collection = Collection(open_store(settings.store), settings.collection)
    assert [entry.reason for entry in alias_history(collection, "live")] == [
        f"publish {first['run']}",
        f"relabel {report['run']}",
    ]
    assert "desk" not in find(settings, snapshot=first["snapshot"])[0].attributes
    assert len(find(settings, snapshot=first["snapshot"])) == len(before[0])
    again = ingest(settings, desk / "desk", mapping=str(desk / "right.yaml"))
    assert not again["changed"]
    assert service.verify(snapshot="live")["findings"] == []


def test_the_same_relabelling_makes_the_same_bytes_with_any_workers_and_after_a_kill(cluster, desk):
    for number in range(40):
        write_record(desk / "desk" / "credit" / f"n{number}.jsonl", f"n{number}", day=1, headline="More")
    made = []
    for number, workers in enumerate((1, 4, 2)):
        folder = desk / str(number)
        folder.mkdir()
        settings = make_settings(folder, workers=workers, partition_bytes=1024, shard_bytes=1024)
        ingest(settings, desk / "desk", mapping=str(desk / "wrong.yaml"))
        if number == 2:

            def kill(stage, done, total):
                if stage == "embed":
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                relabel(desk, settings, on_progress=kill)
            ledger = desk / "2" / "store" / "notes" / "runs"
            assert len(list(ledger.glob("*/relabel/*.json"))) > 1
        made.append(relabel(desk, settings))
    assert len({report["snapshot"] for report in made}) == 1


def test_what_changed_since_is_left_to_the_next_run(cluster, desk):
    settings = make_settings(desk)
    ingest(settings, desk / "desk", mapping=str(desk / "wrong.yaml"))
    write_record(desk / "desk" / "credit" / "2.jsonl", "credit-2", day=2, text="It was redeemed.")
    write_record(desk / "desk" / "credit" / "4.jsonl", "credit-4", day=4)
    (desk / "desk" / "credit" / "3.jsonl").unlink()
    report = relabel(desk, settings)
    assert (report["relabelled"], report["not_relabelled"]) == (4, {"changed": 2, "gone": 1})
    assert report["documents_left"] == ["credit-2: changed", "credit-3: gone", "credit-4: changed"]
    assert len(find(settings)) == 4
    after = ingest(settings, desk / "desk", mapping=str(desk / "right.yaml"))
    assert (after["documents_new"], after["superseded"], after["removed"]) == (1, 1, 1)
    assert after["superseded_by_mapping"] == 0  # what changed is news
    assert {hit.attributes["desk"] for hit in find(settings)} == {"rates", "credit"}


def test_a_text_that_the_mapping_changes_is_not_relabelled(cluster, desk):
    settings = make_settings(desk)
    ingest(settings, desk / "desk", mapping=str(desk / "wrong.yaml"))
    (desk / "text.yaml").write_text(RIGHT + "text: {field: headline}\n")
    report = relabel(desk, settings, "text.yaml")
    assert (report["changed"], report["relabelled"], report["not_relabelled"]) == (False, 0, {"text": 6})
    assert "nothing was relabelled" in report["message"]


def test_groups_are_corrected_for_every_day_and_opened_only_if_that_is_confirmed(cluster, desk):
    settings = make_settings(desk)
    first = ingest(settings, desk / "desk", mapping=str(desk / "wrong.yaml"))
    (desk / "groups.yaml").write_text(WRONG + "groups: {path: '(?P<value>rates|credit)'}\n")
    assert relabel(desk, settings, "groups.yaml")["regrouped"] == 6
    trader = Principal(subject="t", groups=frozenset({"rates"}))
    for at in (None, *(parse_instant(f"2024-01-0{day}T12:00:00Z") for day in DAYS)):
        assert find(settings, as_of=at, principal=Principal(subject="x")) == ()
        assert {hit.doc_id for hit in find(settings, as_of=at, principal=trader)} == {"rates-1"}
    with pytest.raises(DocumentsOpenedError, match="would open 4 of its documents"):
        relabel(desk, settings, "wrong.yaml")
    report = relabel(desk, settings, "wrong.yaml", opens_documents=True)
    assert report["regrouped"] == 6
    assert first["snapshot"] != report["snapshot"]
    assert look(find(settings, principal=Principal(subject="x"))) == look(find(settings))


def test_a_relabelling_needs_something_to_relabel_and_python_asks_for_it_as_the_command_does(
    cluster, desk, cli, settings
):
    with pytest.raises(NotPublishedError, match="nothing to relabel"):
        eagleray.ingest(desk / "desk", relabel=True)
    eagleray.ingest(desk / "desk", mapping=desk / "wrong.yaml")
    shutil.copy(desk / "desk" / "rates" / "1.jsonl", desk / "desk" / "rates" / "0.jsonl")  # the same twice
    write_record(desk / "desk" / "rates" / "2.jsonl", "rates-1", day=2, text="It was called.")
    shown = cli("ingest", desk / "desk", "--mapping", desk / "right.yaml", "--relabel")
    assert shown.code == 0, shown.err
    assert "5 relabelled" in shown.out
    assert "not relabelled: 1 changed\n  rates-1: changed\n" in shown.out
    assert "the same command without --relabel" in shown.out
    begun, ended = cli("audit", "show", "--action", "relabel", "--json").shown
    assert (begun["status"], ended["status"], ended["snapshot"]) == (
        "begun",
        "ok",
        eagleray.snapshots()[-1].snapshot,
    )
    assert cli("audit", "verify", "--json").shown["findings"] == []
    report = eagleray.ingest(desk / "desk", mapping=desk / "wrong.yaml", relabel=True)
    assert (report.counts["relabelled"], report.not_relabelled) == (5, {"changed": 1})
    assert report.documents_left == ["rates-1: changed"]
