from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from eagleray.cli.app import app, main
from eagleray.errors import InputError, NotPublishedError
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot


@pytest.fixture
def ask(tmp_path):
    """Run `eagleray gate …` on a store with one small snapshot; return the exit code and what was printed."""
    store = tmp_path / "store"
    snapshot = put_small_snapshot(open_store(store))

    def run(*arguments):
        words = [snapshot if word == "SNAPSHOT" else word for word in arguments]
        done = CliRunner().invoke(app, ["gate", *words, "--store", str(store), "--collection", SPEC.name])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout

    return run


def test_a_snapshot_is_tried_without_the_word_run_and_its_report_is_kept(ask):
    code, shown = ask("SNAPSHOT", "--json")
    assert code == 0
    assert json.loads(shown)["passed"]
    again = json.loads(ask("report", "SNAPSHOT", "--json")[1])
    assert again == json.loads(shown)
    assert "recall: passed" in ask("run", "SNAPSHOT")[1]


@pytest.mark.parametrize("word", [(), ("run",)])
def test_without_a_snapshot_live_is_tried_whether_the_word_run_stands_there_or_not(ask, word):
    with pytest.raises(NotPublishedError, match="^live: collection notes has no alias"):
        ask(*word)


def test_the_groups_help_names_both_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["gate", "--help"])
    shown = capsys.readouterr().out
    assert (ended.value.code, "run" in shown, "report" in shown) == (0, True, True)


def test_the_report_is_one_page_that_names_every_check(ask, tmp_path):
    ask("SNAPSHOT")
    page = tmp_path / "gate.html"
    ask("report", "SNAPSHOT", "--html", str(page))
    text = page.read_text()
    assert all(f"<td>{name}<td class=passed>" in text for name in ("digests", "intervals", "as_of", "recall"))
    assert "http" not in text
    with pytest.raises(InputError, match="cannot be written: No such file"):
        ask("report", "SNAPSHOT", "--html", str(tmp_path / "none" / "gate.html"))


def test_a_snapshot_that_was_never_tried_has_no_report_and_the_command_is_told(ask):
    with pytest.raises(InputError, match="the gate has not run on snapshot .*: eagleray gate "):
        ask("report", "SNAPSHOT")


def test_a_snapshot_that_fails_is_told_by_the_exit_code(ask, tmp_path):
    vectors = next((tmp_path / "store").rglob("vectors.npy"))
    data = bytearray(vectors.read_bytes())
    data[-1] ^= 1
    vectors.write_bytes(bytes(data))
    code, shown = ask("SNAPSHOT")
    assert code == 3
    assert "digests: FAILED" in shown
