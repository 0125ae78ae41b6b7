"""The commands over a real log: the service is the one its entry point names."""

from __future__ import annotations

import csv
import importlib
import io
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from eagleray.cli import main
from eagleray.contracts.collections import Collection
from eagleray.contracts.filters import Compare, Comparison
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import NotPublishedError
from eagleray.parts import Part
from eagleray.setting_groups.serving import AuditSettings
from eagleray.settings import Settings, load_settings
from indexes.storage import open_store
from serve.audit.layout import list_chains
from serve.audit.service import LocalAuditService, make_writer, open_audit_store
from tests.audit_records import record_one
from tests.small_collections import SPEC, put_small_snapshot
from tests.small_searchers import FixedEmbedder
from tests.unit.serve.audit.test_replays import Opener

ANN = Principal(subject="ann", groups=frozenset({"rates"}))


@pytest.fixture
def log(tmp_path, monkeypatch):
    """Return the store's folder, after six searches were logged."""
    folder = tmp_path / "store"
    store = open_store(folder)
    engine = Opener(store)(put_small_snapshot(store))
    monkeypatch.setenv("EAGLERAY_AUDIT__QUESTIONS", "text")
    settings = load_settings(store=str(folder), collection=SPEC.name)
    with make_writer(Collection(store, SPEC.name), settings.audit, embedder="fixed") as writer:
        for query in ("swap", "bond"):
            for mode in SearchMode:
                request = SearchRequest(query=query, mode=mode, principal=ANN)
                response = engine.search(request)
                entry = record_one(request, response, questions=settings.audit.questions)
                writer.append(entry)
    monkeypatch.setattr(Part, "load", lambda part, settings: LocalAuditService(settings))
    monkeypatch.setattr("serve.audit.service.open_embedder", lambda _: FixedEmbedder())
    return folder


@pytest.fixture
def run(log, capsys):
    def call(*arguments):
        try:
            main(["audit", *arguments, "--store", str(log), "-c", SPEC.name])
        except SystemExit as ended:
            return ended.code, capsys.readouterr().out
        raise AssertionError("the command line ends with an exit code")

    return call


def damage(folder):
    store = open_store(folder)
    (names,) = list_chains(store, SPEC.name).values()
    store.write(names[-1].locate(SPEC.name), b"x")


def test_the_entry_point_names_the_service():
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, name = project["project"]["entry-points"]["eagleray.parts"]["audit"].partition(":")
    assert getattr(importlib.import_module(module), name) is LocalAuditService


def test_verify_ends_with_4_where_something_is_wrong(run, log):
    code, out = run("verify", "--json")
    assert (code, json.loads(out)["findings"], json.loads(out)["unfinished"]) == (0, [], [])
    damage(log)
    code, out = run("verify")
    assert code == 4
    assert "damaged" in out


def test_show_tells_who_asked_what(run):
    code, out = run("show", "--subject", "ann", "--json")
    rows = json.loads(out)
    assert code == 0
    assert len(rows) == 6
    assert {row["action"] for row in rows} == {"search"}
    assert len(json.loads(run("show", "-n", "2", "--json")[1])) == 2
    assert "genesis" in run("show")[1]


def test_show_tells_the_question_the_latest_and_one_request(run):
    rows = json.loads(run("show", "--subject", "ann", "--json")[1])
    assert [row["texts"]["query"] for row in rows] == ["swap"] * 3 + ["bond"] * 3
    latest = json.loads(run("show", "--subject", "ann", "--latest", "-n", "2", "--json")[1])
    assert latest == rows[-2:]
    assert json.loads(run("show", "--request-id", "none", "--json")[1]) == []
    assert "bond" in run("show", "--latest", "-n", "2", "--subject", "ann")[1]


def test_a_log_is_shown_as_comma_separated_values_that_hold_no_formula(run, log):
    store = open_store(log)
    with make_writer(
        Collection(store, SPEC.name), AuditSettings(questions="text"), embedder="fixed"
    ) as writer:
        request = SearchRequest(query='=1+1, "swap"\nbond', principal=replace(ANN, subject="bob"))
        response = Opener(store)(put_small_snapshot(store)).search(request)
        writer.append(record_one(request, response, questions="text"))
    code, out = run("show", "--subject", "bob", "--csv")
    (row,) = csv.DictReader(io.StringIO(out, newline=""))
    assert code == 0
    assert row["question"] == '\'=1+1, "swap"\nbond'
    assert (row["subject"], row["action"], row["groups"]) == ("bob", "search", "rates")


def test_a_filter_is_shown_after_the_question_as_json(run, log):
    store = open_store(log)
    engine = Opener(store)(put_small_snapshot(store))
    with make_writer(
        Collection(store, SPEC.name), AuditSettings(questions="text"), embedder="fixed"
    ) as writer:
        asked = Compare(column="source", op=Comparison.EQ, value="a.md")
        request = SearchRequest(query="swap", filter=asked, principal=replace(ANN, subject="bob"))
        writer.append(record_one(request, engine.search(request), questions="text"))
    (row,) = csv.DictReader(io.StringIO(run("show", "--subject", "bob", "--csv")[1], newline=""))
    question, _, shown = row["question"].partition(" | ")
    assert question == "swap"
    assert json.loads(shown) == {"kind": "Compare", "column": "source", "op": "=", "value": "a.md"}


def test_replay_compares_answers_and_ends_with_1_where_one_is_another(run, monkeypatch):
    code, out = run("replay", "--json")
    assert (code, json.loads(out)["same"], json.loads(out)["different"]) == (0, 6, [])
    monkeypatch.setattr(FixedEmbedder, "embed_queries", lambda self, texts: -original(self, texts))
    code, out = run("replay")
    assert code == 1
    assert "hit 1 was row" in out


original = FixedEmbedder.embed_queries


def test_heads_kept_elsewhere_find_what_the_log_alone_cannot_tell(run, log, tmp_path):
    heads = tmp_path / "heads.json"
    assert run("head", "--to", str(heads))[0] == 0
    assert run("verify", "--heads", str(heads))[0] == 0
    store = open_store(log)
    for item in list(store.list(f"{SPEC.name}/audit")):
        store.delete(item.path)
    assert run("verify", "--heads", str(heads))[0] == 4


@pytest.mark.parametrize("command", ["verify", "show", "replay", "head"])
def test_a_log_that_is_not_there_is_no_log_without_faults(log, capsys, command):
    with pytest.raises(SystemExit) as ended:
        main(["audit", command, "--store", str(log), "-c", "nots"])
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert f"nots: there is no audit log of it in file://{log}; it has those of {SPEC.name};" in told.err


def test_heads_may_not_be_taken_where_no_log_is(tmp_path):
    service = LocalAuditService(Settings(store=str(tmp_path / "store"), collection=SPEC.name))
    with pytest.raises(NotPublishedError, match="nor of any other collection"):
        service.head()


def test_heads_are_never_written_over_and_changed_ones_are_refused(run, tmp_path):
    heads = tmp_path / "heads.json"
    run("head", "--to", str(heads))
    assert run("head", "--to", str(heads))[0] == 2
    heads.write_text(heads.read_text().replace("notes", "votes"))
    assert run("verify", "--heads", str(heads))[0] == 2
    assert run("verify", "--heads", str(tmp_path / "none"))[0] == 2


def test_a_log_may_have_a_store_of_its_own(tmp_path):
    settings = Settings(
        store=str(tmp_path / "store"), collection=SPEC.name, audit={"store": str(tmp_path / "log")}
    )
    store = open_audit_store(settings.audit, default=settings.store, s3=settings.s3)
    with make_writer(Collection(store, SPEC.name), settings.audit, embedder="fixed"):
        pass
    assert not (tmp_path / "store").exists()
    assert LocalAuditService(settings).verify(heads="")["chains"] == 1


def test_a_replay_of_nothing_says_why_and_ends_with_2(run, log, monkeypatch):
    store = open_store(log)
    with make_writer(Collection(store, SPEC.name), AuditSettings(), embedder="fixed") as writer:
        request = SearchRequest(query="swap", principal=replace(ANN, subject="bob"))
        response = Opener(store)(put_small_snapshot(store)).search(request)
        writer.append(record_one(request, response, questions="digest"))
    code, out = run("replay", "--subject", "bob")
    assert code == 2
    assert (
        "message: nothing was replayed: its texts were not kept; EAGLERAY_AUDIT__QUESTIONS=text keeps" in out
    )
    (skipped,) = json.loads(run("replay", "--subject", "bob", "--json")[1])["skipped"]
    assert skipped["reason"].startswith("its texts were not kept")
    assert skipped["writer"]
    code, out = run("replay", "--subject", "nobody")
    assert (code, "nothing was replayed: the log has no such requests" in out) == (0, True)
    assert "message" not in json.loads(run("replay", "--json")[1])
