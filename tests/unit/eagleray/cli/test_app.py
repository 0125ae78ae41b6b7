from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import typer

from eagleray import __version__
from eagleray.cli import main
from eagleray.cli.app import ABOUT, ASK, BUILD, PUBLISH, SERVE, app


def run(capsys, *arguments):
    """Return the exit code and what was printed on standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["ingest"], "Missing argument 'source'"),
        (["search", "bond", "--nope"], "No such option: --nope"),
        (["search", "bond", "--mode", "foo"], "'foo' is not one of"),
        (["search", "bond", "-k", "many"], "'-k'"),
        (["search", "bond", "--as-of"], "--as-of"),
        (["nope"], "No such command 'nope'"),
        (["ingest", "folder", "--workers", "-1"], "greater than or equal to 0"),
    ],
)
def test_wrong_usage_is_one_json_object_and_exit_code_2_where_json_is_asked_for(capsys, arguments, part):
    command, *rest = arguments
    code, out, err = run(capsys, command, "--json", *rest)
    shown = json.loads(out)
    assert (code, err) == (2, "")
    assert part in shown["error"]["message"]
    assert set(shown) == {"error"}


def test_wrong_usage_is_explained_on_standard_error_where_no_json_is_asked_for(capsys):
    code, out, err = run(capsys, "search", "bond", "--nope")
    assert (code, out) == (2, "")
    assert "No such option: --nope" in err


def test_an_answer_with_json_ends_with_exit_code_0(capsys):
    code, out, err = run(capsys, "version", "--json")
    assert (code, err) == (0, "")
    assert set(json.loads(out)) == {"version"}


def test_an_error_of_the_project_keeps_its_exit_code_and_fields(capsys, tmp_path):
    arguments = ["snapshots", "list", "--store", "ftp://somewhere"]
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (2, "")
    assert json.loads(out)["error"]["type"] == "InputError"
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("eagleray: store 'ftp://somewhere': expected a folder")


def test_a_failure_nobody_expected_is_one_line_that_says_what_and_where_and_no_traceback():
    program = "import eagleray.cli.app as app; app.load_settings = lambda: {}['client text']; app.main()"
    for more, stream in (([], "stderr"), (["--json"], "stdout")):
        ended = subprocess.run(
            [sys.executable, "-c", program, "version", *more], check=False, capture_output=True, text=True
        )
        assert ended.returncode == 1
        told = getattr(ended, stream)
        assert told.count("\n") == 1
        assert "KeyError" in told
        assert "client text" not in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr


def test_output_that_nobody_reads_on_ends_without_a_word():
    program = [sys.executable, "-m", "eagleray", "version"]
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(program, check=False, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_the_version_is_an_option_and_a_command(capsys, monkeypatch):
    monkeypatch.setenv("EAGLERAY_LOG__LEVEL", "no level")  # it is told whatever the settings are
    shown = run(capsys, "--version")
    assert shown == (0, f"eagleray {__version__}\n", "")
    monkeypatch.delenv("EAGLERAY_LOG__LEVEL")
    assert run(capsys, "version") == shown


def test_help_shows_every_command_in_a_group(capsys):
    code, out, _ = run(capsys, "--help")
    groups = re.split(r"(?m)^╭─ (.+?) ─+╮$", out)[1:]
    shown = {
        title: re.findall(r"(?m)^│ ([a-z][a-z-]*) ", body)
        for title, body in zip(groups[::2], groups[1::2], strict=True)
    }
    assert (code, list(shown)) == (0, ["Options", BUILD, ASK, PUBLISH, SERVE, ABOUT])
    listed = [name for title, names in shown.items() if title != "Options" for name in names]
    assert sorted(listed) == sorted(typer.main.get_command(app).commands)
    assert shown[BUILD] == ["ingest", "import", "dead-letters"]
