from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console
from rich.progress import Progress

from eagleray.cli import main
from eagleray.cli.progress import COLUMNS, StageBars, report_progress
from eagleray.contracts.services import ItemProgress
from eagleray.parts import Part


class Interrupted:
    """A job that is stopped by Ctrl-C as soon as it has begun."""

    def ingest(self, request, on_progress):
        raise KeyboardInterrupt

    def compact(self, **_):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["ingest", "desk"], "stopped; the same command resumes"),
        (["ingest", "desk", "--fresh"], "stopped; the same command without --fresh resumes"),
        (["compact"], "stopped; the same command begins again"),
    ],
)
def test_ctrl_c_ends_a_job_with_130_and_says_what_the_same_command_does_then(
    monkeypatch, capsys, command, line
):
    monkeypatch.setattr(Part, "load", lambda part, settings: Interrupted())
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", f"{line}\n")


def test_what_fails_otherwise_is_not_told_to_be_stopped(capsys):
    with pytest.raises(ValueError, match="odd"), report_progress():
        raise ValueError("odd")
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_a_stage_from_its_beginning_and_what_unfinished_shards_have_done():
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100)
    with Progress(*COLUMNS, console=console, auto_refresh=False) as progress:
        bars = StageBars(progress)
        assert isinstance(bars, ItemProgress)
        bars.tell_items("embed", 4, 0)
        progress.refresh()
        begun = shown.getvalue()
        bars.tell_items("embed", 4, 12_400)
        bars("embed", 1, 4)
        progress.refresh()
    assert "embed" in begun
    assert "0/4" in begun
    assert "done" not in begun
    assert "1/4" in shown.getvalue()
    assert "12,400 done" in shown.getvalue()


TALKING = """
import atexit, os, sys
from eagleray.cli.progress import report_progress

with report_progress() as on_progress:
    on_progress("embed", 1, 1)
    atexit.register(print, "at the end", file=sys.stderr)
    os.write(2, b"[E] core_worker.cc:1: Actor 'A' has constructor arguments in the object store and ")
    os.write(2, b"max_restarts > 0. If they are lost\\n[F] a fault\\n")
    print("by Python", file=sys.stderr)
print("after", file=sys.stderr)
"""


def test_one_line_of_ray_is_left_out_and_every_other_is_passed_on():
    done = subprocess.run([sys.executable, "-c", TALKING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert sorted(done.stderr.splitlines()) == [
        "[F] a fault",
        "after",
        "at the end",
        "by Python",
        "embed: 1/1",
    ]
