from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from eagleray.cli.app import app
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot


@pytest.fixture
def ask(tmp_path):
    """Run a command on a store with one small snapshot; return what it printed and its exit code."""
    store = tmp_path / "store"
    snapshot = put_small_snapshot(open_store(store))

    def run(*arguments):
        words = [snapshot if word == "SNAPSHOT" else word for word in arguments]
        done = CliRunner().invoke(app, [*words, "--store", str(store), "--collection", SPEC.name])
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


def test_the_version_is_one_json_value_when_asked():
    done = CliRunner().invoke(app, ["version", "--json"])
    assert list(json.loads(done.stdout)) == ["version"]
