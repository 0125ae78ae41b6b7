from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from eagleray.cli.app import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("EAGLERAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EAGLERAY_JOBS", '{"workers": 3}')
    monkeypatch.setenv("EAGLERAY_S3__SECRET_ACCESS_KEY", "hunter2")

    def call(*arguments):
        done = CliRunner().invoke(app, ["config", *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout

    return call


def test_every_setting_is_shown_with_its_source_and_no_secret(run):
    code, out = run("show", "--store", "desk", "--json")
    rows = {row["setting"]: (row["value"], row["source"]) for row in json.loads(out)}
    assert code == 0
    assert rows["EAGLERAY_STORE"] == ("desk", "option")
    assert rows["EAGLERAY_JOBS__WORKERS"] == ("3", "environment")
    assert rows["EAGLERAY_EMBEDDER__MODEL"] == ("minilm", "default")
    assert rows["EAGLERAY_S3__SECRET_ACCESS_KEY"] == ("**********", "environment")
    assert "hunter2" not in out
    changed = json.loads(run("show", "--store", "desk", "--changed", "--json")[1])
    assert {row["setting"] for row in changed} == {
        "EAGLERAY_STORE",
        "EAGLERAY_CACHE",
        "EAGLERAY_JOBS__WORKERS",
        "EAGLERAY_S3__SECRET_ACCESS_KEY",
    }


def test_a_check_that_fails_is_marked_and_ends_with_2(run, tmp_path, monkeypatch):
    assert run("check", "--store", str(tmp_path / "store"))[0] == 0
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", str(tmp_path / "none"))
    code, out = run("check", "--store", str(tmp_path / "store"))
    (line,) = [line for line in out.splitlines() if line.startswith("embedder")]
    assert code == 2
    assert " NO " in line
    assert "nothing is downloaded" in out
