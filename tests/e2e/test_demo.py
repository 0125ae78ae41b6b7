from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
EAGLERAY = Path(sys.executable).parent / "eagleray"
STORE = ROOT / ".demo" / "store"


@pytest.fixture(scope="module")
def demo():
    pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
    done = subprocess.run(
        [sys.executable, "examples/demo.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(*arguments):
    command = [str(EAGLERAY), *arguments, "--store", str(STORE), "--collection", "sample", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_the_demo_shows_two_answers_on_two_days_hides_the_restricted_note_and_cites(demo):
    asked = demo.split("\n> ")
    on_days = [part for part in asked if "--as-of" in part]
    assert "once in 2022" in on_days[0]
    assert "five times in 2022" in on_days[1]
    outside, inside, answered = asked[-3:]
    assert "no hits" in outside
    assert "Restricted: Vodafone block trade" in inside
    assert "| Fixed Price | $ 1,452.4 | $ 1,146.2 | $ 1,036.9 | [1]" in answered


def test_the_demo_leaves_nothing_running(demo):
    ours = str(ROOT / ".demo")
    left = [
        p.info["cmdline"]
        for p in psutil.process_iter(["cmdline"])
        if ours in " ".join(p.info["cmdline"] or [])
    ]
    assert left == []


def list_sessions(page):
    """Return each Python session of a page with the output that follows it, where some does."""
    block = r"((?:(?!```).)*)```"
    return re.findall(rf"```python\n{block}\n+```text\n{block}", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/answers.md", "docs/concepts.md", "docs/python.md"])
def test_the_sessions_of_a_page_print_what_the_page_shows(demo, page):
    sessions = list_sessions(page)
    assert sessions
    for code, shown in sessions:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == shown


def test_a_typo_in_a_filter_is_answered_with_the_near_name_and_exit_code_2(demo):
    code, shown = ask("search", "sales", "--filter", 'compny = "Cubic Corp"')
    assert code == 2
    assert "did you mean company" in shown["error"]["message"]


def test_verify_finds_a_flipped_byte_and_exits_with_4(demo):
    code, shown = ask("snapshots", "verify")
    assert (code, shown["findings"]) == (0, [])
    path = next(STORE.rglob("vectors.npy"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    try:
        code, shown = ask("snapshots", "verify")
        assert code == 4
        assert [Path(finding["path"]).name for finding in shown["findings"]] == ["vectors.npy"]
        code, shown = ask("search", "sales")
        assert (code, shown["error"]["type"]) == (4, "IntegrityError")
    finally:
        path.write_bytes(data)
