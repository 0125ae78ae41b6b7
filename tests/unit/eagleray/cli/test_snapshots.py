from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from eagleray.cli.app import app
from eagleray.errors import NotPublishedError
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot


@pytest.fixture
def ask(tmp_path):
    """Run a command on a store with one small snapshot; return what it printed and its exit code."""
    store = tmp_path / "store"
    snapshot = put_small_snapshot(open_store(store))

    def run(*arguments):
        words = [snapshot if word == "SNAPSHOT" else word for word in arguments]
        options = ["--store", str(store), "--collection", SPEC.name]
        done = CliRunner().invoke(app, [*words[:2], *options, *words[2:]])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    return run


def test_every_command_on_snapshots_prints_one_json_value_when_asked(ask):
    first = json.loads(ask("snapshots", "publish", "SNAPSHOT", "--json"))
    assert (first["alias"], first["sequence"]) == ("live", 1)
    (row,) = json.loads(ask("snapshots", "list", "--json"))
    assert (row["snapshot"], row["aliases"]) == (first["snapshot"], "live")
    assert json.loads(ask("snapshots", "show", "--json"))["aliases"] == ["live"]
    assert json.loads(ask("snapshots", "diff", "SNAPSHOT", "--json"))["n_added"] == 0
    assert json.loads(ask("snapshots", "verify", "--json"))["findings"] == []


def test_a_snapshot_is_shown_to_people_with_a_sentence_for_each_check(ask):
    assert "gate: has not run" in ask("snapshots", "show", "SNAPSHOT")
    ask("snapshots", "publish", "SNAPSHOT")
    shown = ask("snapshots", "show")
    assert "  ticker:\n    string\n" in shown
    assert "    name: random\n" in shown
    assert "parent: none\n" in shown
    assert re.search(r"^  digests: passed: \d+ files as written$", shown, re.M)
    assert "{" not in shown


def test_a_difference_is_shown_to_people_as_counts_and_what_is_new(ask):
    ask("snapshots", "publish", "SNAPSHOT")
    shown = ask("snapshots", "diff", "live").splitlines()
    assert shown[2] == "documents: 16 -> 16 (0 added, 0 removed, 0 superseded)"
    assert len(shown) == 4


def test_a_collection_that_is_not_there_is_refused_with_those_that_are(ask):
    with pytest.raises(NotPublishedError, match="notez: there is no such collection in .*; it has notes"):
        ask("snapshots", "list", "--collection", "notez")
    with pytest.raises(NotPublishedError, match=r"holds no collection: is it the right store\?"):
        ask("snapshots", "list", "--store", "/nowhere")


def test_the_version_is_one_json_value_when_asked():
    done = CliRunner().invoke(app, ["version", "--json"])
    assert list(json.loads(done.stdout)) == ["version"]
