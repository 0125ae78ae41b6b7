from __future__ import annotations

import pytest

from eagleray.cli import main
from eagleray.cli.progress import report_progress
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
