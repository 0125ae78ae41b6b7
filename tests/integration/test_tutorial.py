"""The tutorial, from its first command to its last, on the shared cluster and without a model."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from eagleray.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python|text)\n(.*?)^```$", PAGE, re.S | re.M)
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Stand in an empty folder, with the variables that the page sets, and those that make it quick."""
    monkeypatch.chdir(tmp_path)
    for name, value in re.findall(r"\b(EAGLERAY_\w+)=(\S+)", BLOCKS[0][1]):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EAGLERAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", "2")
    return tmp_path


def run_block(language, code):
    """Run a block of the page and return what it printed on standard output."""
    if language == "python":
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            exec(code, {})  # noqa: S102 - the page's own code
        return shown.getvalue()
    if not code.startswith("eagleray "):
        return subprocess.run(["bash", "-ec", code], check=True, capture_output=True, text=True).stdout
    shown = io.StringIO()
    for line in code.splitlines():
        with contextlib.redirect_stdout(shown), pytest.raises(SystemExit) as ended:
            main(shlex.split(line)[1:])
        assert not ended.value.code, (line, shown.getvalue())
    return shown.getvalue()


SCORES = r"\[[\d.]+(?:, relevance [\d.]+)?\]"


def matches(found, shown):
    """Return whether lines are as a page shows them: `…` stands for anything, scores for any score."""
    lines = [re.sub(SCORES, "[score]", line.rstrip()) for line in found.splitlines()]
    wanted = [re.sub(SCORES, "[score]", line.rstrip()) for line in shown.splitlines()]
    pattern = "\n".join(wanted).replace("[", "[[]").replace("…", "*")
    return fnmatchcase("\n".join(lines), pattern)


@contextlib.contextmanager
def serving(command):
    """Run the page's command that serves, on a free port, and give its address."""
    words = [sys.executable, "-m", *shlex.split(command), "--port", "0", "--json"]
    process = subprocess.Popen(words, env=os.environ, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


def test_the_page_runs_from_its_first_command_to_its_last(cluster, desk):
    blocks = BLOCKS[1:]
    serve, ask = (code for language, code in blocks[-2:])
    found = ""
    for language, code in blocks[:-2]:
        if language == "text":
            assert matches(found, code), f"found:\n{found}\nthe page shows:\n{code}"
        else:
            found = run_block(language, code)
    with serving(serve) as url:
        command = ask.replace("http://127.0.0.1:8000", url).replace("curl -s ", "curl -sS --noproxy '*' ")
        (hit,) = json.loads(run_block("bash", command))["hits"]
    assert "grow by 3 percent" in hit["text"]


def test_output_that_differs_is_noticed():
    assert matches("a [0.913]\nb\nc\n", "a [1.000]\n…\n")
    assert not matches("a [0.913]\nb\n", "a [1.000]\nc\n")
